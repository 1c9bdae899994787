/* Moves about in a flame graph that the server drew: zoom by click or Enter, walk with the arrow keys, find by name. */
"use strict";
(() => {
  const ROW = 20;

  function Flame(box) {
    const graph = box.querySelector(".flame-graph");
    const said = box.querySelector(".flame-said");
    const out = box.querySelector("[data-flame=out]");
    const find = box.querySelector("input[type=search]");
    const percent = (element, name) => parseFloat(element.getAttribute(name));
    const frames = [...graph.querySelectorAll("svg.frame")].map((element) => ({
      element,
      left: percent(element, "x"),
      width: percent(element, "width"),
      depth: percent(element, "y") / ROW,
      name: element.querySelector("text").textContent,
      about: element.querySelector("title").textContent,
    }));
    const rightOf = (frame) => frame.left + frame.width;
    const within = (frame, other) => frame.left >= other.left - 1e-6 && rightOf(frame) <= rightOf(other) + 1e-6;
    let base = null;
    let current = frames[0];

    function say(frame) { said.textContent = frame.about; }

    function go(frame) {
      current.element.tabIndex = -1;
      current = frame;
      frame.element.tabIndex = 0;
      frame.element.focus({ preventScroll: true });
      say(frame);
    }

    function draw() {
      const { left, width, depth } = base || { left: 0, width: 100, depth: 0 };
      let deepest = 0;
      for (const frame of frames) {
        const above = base && frame.depth < base.depth;
        const shown = base ? (above ? within(base, frame) : within(frame, base)) : true;
        frame.element.classList.toggle("away", !shown);
        frame.shown = shown;
        if (!shown) continue;
        deepest = Math.max(deepest, frame.depth);
        frame.element.classList.toggle("above", Boolean(above));
        frame.element.setAttribute("x", above ? "0%" : `${((frame.left - left) / width) * 100}%`);
        frame.element.setAttribute("width", above ? "100%" : `${(frame.width / width) * 100}%`);
      }
      graph.setAttribute("height", (deepest + 1) * ROW);
      out.disabled = !base;
      return depth;
    }

    function zoom(frame) {
      base = frame && frame.depth + frame.left > 0 || (frame && frame.width < 99.99) ? frame : null;
      draw();
      if (frame) go(frame);
    }

    /* The frame that a key leads to. */
    function beside(key) {
      const all = frames.filter((frame) => frame.shown);
      if (key === "ArrowDown") return all.find((f) => f.depth === current.depth + 1 && within(f, current));
      if (key === "ArrowUp") return all.find((f) => f.depth === current.depth - 1 && within(current, f));
      const row = all.filter((f) => f.depth === current.depth).sort((a, b) => a.left - b.left);
      const at = row.indexOf(current);
      if (key === "ArrowRight") return row[at + 1];
      if (key === "ArrowLeft") return row[at - 1];
      if (key === "Home") return all[0];
      return undefined;
    }

    graph.setAttribute("role", "group");
    graph.setAttribute("aria-label", "Flame graph. Arrow keys walk, Enter zooms, Escape shows all. The table below has the same functions.");
    for (const frame of frames) {
      frame.shown = true;
      frame.element.setAttribute("role", "button");
      frame.element.setAttribute("aria-label", frame.about.split("\n")[0]);
      frame.element.tabIndex = frame === current ? 0 : -1;
      frame.element.addEventListener("click", () => zoom(frame));
      frame.element.addEventListener("mouseenter", () => say(frame));
    }
    graph.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === " ") zoom(current);
      else if (event.key === "Escape" && base) { const frame = current; base = null; draw(); go(frame); }
      else {
        const frame = beside(event.key);
        if (!frame) return;
        go(frame);
      }
      event.preventDefault();
      event.stopPropagation();
    });
    out.addEventListener("click", () => { base = null; draw(); });
    find.addEventListener("input", () => {
      const wanted = find.value.toLowerCase();
      let number = 0;
      for (const frame of frames) {
        const hit = wanted !== "" && frame.name.toLowerCase().includes(wanted);
        frame.element.classList.toggle("hit", hit);
        number += hit;
      }
      graph.classList.toggle("searched", wanted !== "");
      said.textContent = wanted ? `${number} ${number === 1 ? "frame" : "frames"}` : "";
    });
    box.querySelector(".flame-tools").hidden = false;
    box.dataset.ready = "yes";
  }

  function begin() {
    const box = document.getElementById("flame");
    if (box && !box.dataset.ready) Flame(box);
  }
  begin();
  document.addEventListener("renewed", begin);
})();
