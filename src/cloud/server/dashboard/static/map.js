/* The grid of a map: a square for every job, or for several when there are too many; the statuses come as bytes. */
"use strict";
(() => {
  const WORDS = ["waiting", "queued", "processing", "done", "error", "killed", "stalled", "deleted"];
  const ORDER = [3, 4, 5, 6, 2, 1, 0, 7]; /* from the bottom of a square up */
  const SIZES = [26, 22, 18, 15, 12, 10, 8, 7];
  const MOST_HEIGHT = 340;
  const CROWDED = 9; /* pixels of a square that stands for several jobs */
  const FAILED = new Set([4, 5, 6]);

  const host = document.getElementById("grid");
  const canvas = host.querySelector("canvas");
  const text = document.getElementById("grid-text");
  const path = document.getElementById("grid-path");
  const first = Number(host.dataset.first);
  const count = Number(host.dataset.count);
  const codes = new Uint8Array(count);
  const least = (code) => (FAILED.has(code) ? 2 : 1);
  const number = (value) => value.toLocaleString("en");
  let ranges = [[0, count]];
  let plan = null;
  let tallies = null;
  let cursor = -1;
  let hovered = -1;
  let loading = false;
  let again = false;

  const shown = () => ranges[ranges.length - 1];

  function layOut() {
    const [lo, hi] = shown();
    const jobs = hi - lo;
    const width = Math.max(120, host.clientWidth);
    for (const size of SIZES) {
      const columns = Math.floor(width / size);
      if (Math.ceil(jobs / columns) * size <= MOST_HEIGHT) return { size, columns, each: 1, cells: jobs };
    }
    const columns = Math.floor(width / CROWDED);
    const each = Math.ceil(jobs / (columns * Math.floor(MOST_HEIGHT / CROWDED)));
    return { size: CROWDED, columns, each, cells: Math.ceil(jobs / each) };
  }

  function tally() {
    const [lo, hi] = shown();
    const found = new Uint32Array(plan.cells * 8);
    for (let i = lo, cell = 0, left = plan.each; i < hi; i++) {
      found[cell * 8 + codes[i]]++;
      if (--left === 0) { cell++; left = plan.each; }
    }
    return found;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return WORDS.map((word) => style.getPropertyValue(`--fill-${word}`) || style.getPropertyValue("--code"));
  }

  function draw() {
    plan = layOut();
    tallies = tally();
    const { size, columns, cells } = plan;
    const gap = size > 8 ? 2 : 1;
    const sharp = window.devicePixelRatio || 1;
    const width = columns * size;
    const height = Math.ceil(cells / columns) * size;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const brush = canvas.getContext("2d");
    brush.scale(sharp, sharp);
    const fills = colours();
    const side = size - gap;
    for (let cell = 0; cell < cells; cell++) {
      const x = (cell % columns) * size;
      let bottom = Math.floor(cell / columns) * size + side;
      const top = bottom - side;
      let all = 0;
      for (let code = 0; code < 8; code++) all += tallies[cell * 8 + code];
      let rest = all;
      let room = 0; /* a single failure among thousands is still to be seen: every status has its pixels */
      for (const code of ORDER) if (tallies[cell * 8 + code]) room += least(code);
      for (const code of ORDER) {
        const many = tallies[cell * 8 + code];
        if (!many) continue;
        rest -= many;
        room -= least(code);
        const share = Math.min(Math.round((side * many) / all), bottom - top - room);
        const high = rest === 0 ? bottom - top : Math.max(least(code), share);
        brush.fillStyle = fills[code];
        brush.fillRect(x, Math.max(top, bottom - high), side, Math.min(high, bottom - top));
        bottom -= high;
        if (bottom <= top) break;
      }
    }
    if (plan.each === 1 && side >= 8) mark(brush, side);
    for (const cell of new Set([hovered, cursor])) if (cell >= 0 && cell < cells) outline(brush, cell, side);
  }

  /* A hole in the squares of failed jobs: red and green are alike to some. */
  function mark(brush, side) {
    const hole = Math.max(3, Math.round(side / 3));
    brush.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--card");
    for (let cell = 0; cell < plan.cells; cell++) {
      if (!FAILED.has(codes[shown()[0] + cell])) continue;
      const x = (cell % plan.columns) * plan.size + (side - hole) / 2;
      brush.fillRect(x, Math.floor(cell / plan.columns) * plan.size + (side - hole) / 2, hole, hole);
    }
  }

  function outline(brush, cell, side) {
    brush.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--text");
    brush.lineWidth = 2;
    brush.strokeRect((cell % plan.columns) * plan.size, Math.floor(cell / plan.columns) * plan.size, side, side);
  }

  function jobsOf(cell) {
    const lo = shown()[0] + cell * plan.each;
    return [lo, Math.min(lo + plan.each, shown()[1])];
  }

  function describe(cell) {
    if (cell < 0 || cell >= plan.cells) return;
    const [lo, hi] = jobsOf(cell);
    const parts = ORDER.filter((code) => tallies[cell * 8 + code]).map((code) => [code, tallies[cell * 8 + code]]);
    text.textContent = hi - lo === 1
      ? `Job ${first + lo}: ${WORDS[codes[lo]]}`
      : `Jobs ${first + lo}–${first + hi - 1}: ${parts.map(([code, many]) => `${number(many)} ${WORDS[code]}`).join(", ")}`;
  }

  function open(cell) {
    const [lo, hi] = jobsOf(cell);
    if (hi - lo === 1) {
      if (WORDS[codes[lo]] !== "deleted") location.href = `${host.dataset.jobs}${first + lo}`;
      return;
    }
    zoom([...ranges, [lo, hi]]);
  }

  function zoom(to) {
    ranges = to;
    cursor = -1;
    hovered = -1;
    path.replaceChildren(...(ranges.length > 1 ? ranges : []).map(([lo, hi], depth) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "small";
      button.textContent = depth ? `${first + lo}–${first + hi - 1}` : `All ${number(count)}`;
      button.disabled = depth === ranges.length - 1;
      button.addEventListener("click", () => { zoom(ranges.slice(0, depth + 1)); canvas.focus(); });
      return button;
    }));
    draw();
    if (ranges.length > 1) text.textContent = `Jobs ${first + shown()[0]}–${first + shown()[1] - 1}. Escape goes back.`;
  }

  function move(to) {
    cursor = Math.min(plan.cells - 1, Math.max(0, to));
    hovered = -1;
    draw();
    describe(cursor);
  }

  function nextFailed() {
    for (let step = 1; step <= plan.cells; step++) {
      const cell = (Math.max(cursor, -1) + step) % plan.cells;
      if (tallies[cell * 8 + 4] || tallies[cell * 8 + 5] || tallies[cell * 8 + 6]) { move(cell); return; }
    }
    text.textContent = "No job failed here.";
  }

  const cellAt = (event) => {
    const column = Math.floor(event.offsetX / plan.size);
    const cell = Math.floor(event.offsetY / plan.size) * plan.columns + column;
    return column < plan.columns && cell < plan.cells ? cell : -1;
  };

  canvas.addEventListener("pointermove", (event) => {
    const cell = cellAt(event);
    if (cell === hovered) return;
    hovered = cell;
    draw();
    describe(cell);
  });
  canvas.addEventListener("pointerleave", () => { hovered = -1; draw(); });
  canvas.addEventListener("click", (event) => { const cell = cellAt(event); if (cell >= 0) open(cell); });
  canvas.addEventListener("keydown", (event) => {
    const at = Math.max(cursor, 0);
    const KEYS = {
      ArrowRight: () => move(cursor < 0 ? 0 : at + 1), ArrowLeft: () => move(at - 1),
      ArrowDown: () => move(at + plan.columns < plan.cells ? at + plan.columns : at),
      ArrowUp: () => move(at - plan.columns >= 0 ? at - plan.columns : at),
      Home: () => move(0), End: () => move(plan.cells - 1),
      Enter: () => open(at), f: nextFailed,
      Escape: () => { if (ranges.length > 1) zoom(ranges.slice(0, -1)); },
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  /* Only what may have changed is asked for: from the first job that is not finished to the last. */
  function open_range() {
    let lo = 0;
    let hi = count;
    while (lo < hi && codes[lo] > 2) lo++;
    while (hi > lo && codes[hi - 1] > 2) hi--;
    return [lo, hi];
  }

  async function load(lo, hi) {
    if (loading) { again = true; return; }
    if (lo >= hi) return;
    loading = true;
    again = false;
    const began = Date.now();
    try {
      const answer = await fetch(`${host.dataset.from}?lo=${lo}&hi=${hi}`, { credentials: "same-origin", cache: "no-store" });
      if (answer.ok && !answer.redirected) {
        codes.set(new Uint8Array(await answer.arrayBuffer()).subarray(0, hi - lo), lo);
        draw();
        if (cursor >= 0) describe(cursor);
        host.dataset.loaded = String(Number(host.dataset.loaded || 0) + 1);
      }
    } catch { /* the next change asks again */ }
    await new Promise((wake) => setTimeout(wake, Math.max(250, 4 * (Date.now() - began))));
    loading = false;
    if (again) load(...open_range());
  }

  document.addEventListener("renewed", (event) => { if (event.target.id === "map-head") load(...open_range()); });
  document.addEventListener("recoloured", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => { if (plan && Math.max(120, host.clientWidth) !== plan.width) { draw(); plan.width = Math.max(120, host.clientWidth); } }).observe(host);
  load(0, count);
})();
