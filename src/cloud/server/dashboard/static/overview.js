/* Draws the charts of the Overview page, and keeps them moving: what is new is asked for when the page was renewed. */
"use strict";
(() => {
  const OF_STATUS = { done: "--fill-done", error: "--fill-error", killed: "--fill-killed", processing: "--processing", queued: "--queued", waiting: "--stalled" };
  const given = new Map();
  const QUICKEST = 1000;
  let box = null;
  let data = null;
  let plots = [];
  let asking = false;
  let askedAt = 0;
  let timer = 0;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function short(name) {
    const whole = box.dataset.by === "function" ? name.split(" at ")[0] : name;
    return whole.length > 40 ? `${whole.slice(0, 39)}…` : whole;
  }

  /* A name has the same colour in all charts, for as long as the page is open. */
  function colourOf(name) {
    if (box.dataset.by === "status") return colour(OF_STATUS[name]);
    if (!name) return colour("--faint");
    if (!given.has(name)) given.set(name, `--c${1 + (given.size % 8)}`);
    return colour(given.get(name));
  }

  function times() {
    return data.crew[0].map((_, i) => data.first + i * data.step);
  }

  /* Bars that stand on each other: the first series is the sum of all, and so on down. */
  function stacked(rows) {
    const sums = rows.map((row) => row.slice());
    for (let k = sums.length - 2; k >= 0; k--) sums[k] = sums[k].map((n, i) => n + sums[k + 1][i]);
    return sums;
  }

  function rowsOf(chart) {
    if (!data[chart].length) return [times().map(() => 0)];
    return chart === "ended" || box.dataset.by !== "status" ? stacked(data[chart]) : data[chart];
  }

  function axes() {
    const line = { stroke: colour("--line"), width: 1 };
    const common = { stroke: colour("--faint"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    return [
      { ...common, grid: { show: false }, space: 105, size: 30,
        values: (_, ticks) => ticks.map((at) => (ticks.length > 1 && ticks[1] - ticks[0] < 60 ? exactly : clock).format(at * 1000)) },
      { ...common, grid: line, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8],
        values: (_, ticks) => ticks.map((n) => (n >= 1e6 ? `${n / 1e6}M` : n >= 1e4 ? `${n / 1e3}k` : n.toLocaleString())) },
    ];
  }

  const shown = (n) => (n === null || n === undefined ? "–" : n.toLocaleString());

  /* What the style sheet asks for, less the legend, which grows below. */
  const heightOf = (target) => parseInt(getComputedStyle(target).minHeight, 10) - 28;

  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const exactly = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

  function plot(where, series, rows, more = {}) {
    const target = box.querySelector(`[data-chart="${where}"]`);
    const format = data.step === 60 ? clock : exactly;
    const made = new uPlot({
      width: target.clientWidth, height: heightOf(target),
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      legend: { live: true },
      scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(4, high * 1.1)] } },
      axes: axes(),
      series: [{ label: "At", value: (_, at) => (at ? format.format(at * 1000) : "now") }, ...series],
      ...more,
    }, [times(), ...rows], target);
    plots.push({ made, target });
    return made;
  }

  function draw() {
    for (const { made } of plots) made.destroy();
    plots = [];
    if (!data) return;
    const byStatus = box.dataset.by === "status";
    const bars = uPlot.paths.bars({ size: [1, Infinity], align: 1 });
    const step = uPlot.paths.stepped({ align: 1 });
    const of = (rows, k, label, more) => ({
      label: short(label) || "others", points: { show: false }, value: (_, __, ___, i) => shown(data[rows][k].at(i ?? -1)), ...more,
    });
    const line = (rows, k, label, stroke, fill) =>
      of(rows, k, label, { stroke, width: 1.75, paths: step, ...(fill ? { fill: `color-mix(in srgb, ${stroke} 18%, transparent)` } : {}) });
    const none = [{ label: "none" }];
    plot("ended", data.names.length ? data.names.map((name, k) => of("ended", k, name, { fill: colourOf(name), width: 0, paths: bars })) : none, rowsOf("ended"));
    plot("jobs", data.under.length ? data.under.map((name, k) =>
      (byStatus ? line("jobs", k, name, colourOf(name), !k) : of("jobs", k, name, { fill: colourOf(name), width: 0, paths: step }))) : none, rowsOf("jobs"));
    plot("crew", [line("crew", 0, "busy", colour("--accent"), true), line("crew", 1, "slots", colour("--faint"))], data.crew);
    box.dataset.drawn = String(Number(box.dataset.drawn || 0) + 1);
  }

  function update() {
    const rows = [rowsOf("ended"), rowsOf("jobs"), data.crew];
    const x = times();
    plots.forEach(({ made }, k) => made.setData([x, ...rows[k]]));
    box.dataset.drawn = String(Number(box.dataset.drawn) + 1);
  }

  /* The newest step may still grow, so it comes again; what is older than the ring is long falls off. */
  function take(fresh) {
    if (!data || fresh.step !== data.step || String([fresh.names, fresh.under]) !== String([data.names, data.under]) || fresh.first < data.first) return false;
    const most = data.crew[0].length;
    const kept = (fresh.first - data.first) / data.step;
    if (kept > most) return false;
    const join = (olds, news) => olds.map((old, k) => [...old.slice(0, kept), ...news[k]].slice(-most));
    const whole = kept + fresh.crew[0].length;
    data = {
      ...data, first: data.first + Math.max(0, whole - most) * data.step,
      ended: join(data.ended, fresh.ended), jobs: join(data.jobs, fresh.jobs), crew: join(data.crew, fresh.crew),
    };
    return true;
  }

  async function ask() {
    if (asking || document.hidden) return;
    asking = true;
    askedAt = Date.now();
    try {
      const newest = data ? data.first + (data.crew[0].length - 1) * data.step : 0;
      const wanted = new URLSearchParams({ span: box.dataset.span, by: box.dataset.by, since: String(Math.max(0, newest - 2 * data?.step || 0)) });
      const answer = await fetch(`${box.dataset.from}?${wanted}`, { credentials: "same-origin", cache: "no-store" });
      if (answer.ok && !answer.redirected) {
        const fresh = await answer.json();
        if (!data) { data = fresh; draw(); }
        else if (take(fresh)) update();
        else data = null; /* too much is different: all of it, next time */
      }
    } catch { /* the server is gone or restarts: the page says so, and asks again */ }
    asking = false;
    if (!data) soon();
  }

  function soon() {
    if (!timer) timer = setTimeout(() => { timer = 0; ask(); }, Math.max(0, askedAt + QUICKEST - Date.now()));
  }

  document.addEventListener("DOMContentLoaded", () => {
    box = document.getElementById("charts");
    if (!box) return;
    ask();
    document.addEventListener("renewed", (event) => { if (event.target.id === "tiles") soon(); });
    document.addEventListener("visibilitychange", soon);
    new ResizeObserver(() => {
      for (const { made, target } of plots) made.setSize({ width: target.clientWidth, height: heightOf(target) });
    }).observe(box);
    new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  });
})();
