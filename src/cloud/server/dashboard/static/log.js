/* What a job wrote, as a list of lines: numbers, colours, following, search, folding of very long lines.
 *
 * `new Log(pre)` takes a <pre> over; `append(text)` may be given text that ends inside a line or an escape sequence.
 * Everything that is shown is a text node. Colours that a job asks for become classes of the page's own palette.
 */
"use strict";
(() => {
  const MOST_LINES = 2000;
  const MOST_CHARACTERS = 4 << 20;
  const LONG_LINE = 3000;
  const LONGEST_OPEN = 256 << 10;
  const MOST_HITS = 20000;
  const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
  const ESCAPES = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f]/g;
  const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,4000})?$/;

  /* The state of a terminal's pen, as class names. */
  function penAfter(pen, codes) {
    const numbers = codes === "" ? [0] : codes.split(/[;:]/).map(Number);
    let { colour, bold, dim, italic, underlined } = pen;
    for (let at = 0; at < numbers.length; at += 1) {
      const n = numbers[at];
      if (n === 0) { colour = ""; bold = dim = italic = underlined = false; }
      else if (n === 1) bold = true;
      else if (n === 2) dim = true;
      else if (n === 3) italic = true;
      else if (n === 4) underlined = true;
      else if (n === 22) bold = dim = false;
      else if (n === 23) italic = false;
      else if (n === 24) underlined = false;
      else if (n >= 30 && n <= 37) colour = COLOURS[n - 30];
      else if (n >= 90 && n <= 97) colour = COLOURS[n - 90];
      else if (n === 39) colour = "";
      else if (n === 38 || n === 48) {
        if (numbers[at + 1] === 5) {
          const index = numbers[at + 2];
          if (n === 38) colour = index < 16 ? COLOURS[index % 8] : nearest(cube(index));
          at += 2;
        } else if (numbers[at + 1] === 2) {
          if (n === 38) colour = nearest(numbers.slice(at + 2, at + 5));
          at += 4;
        }
      }
    }
    return { colour, bold, dim, italic, underlined };
  }

  function cube(index) {
    if (index >= 232) return Array(3).fill((index - 232) * 10 + 8);
    const n = index - 16;
    return [Math.floor(n / 36) * 51, (Math.floor(n / 6) % 6) * 51, (n % 6) * 51];
  }

  function nearest([r, g, b]) {
    const most = Math.max(r, g, b);
    if (most - Math.min(r, g, b) < 60) return most < 90 ? "black" : "white";
    const on = (value) => (value > most * 0.6 ? 1 : 0);
    return COLOURS[on(r) + 2 * on(g) + 4 * on(b)];
  }

  const PLAIN = { colour: "", bold: false, dim: false, italic: false, underlined: false };

  function classOf(pen) {
    return [pen.colour && `ansi-${pen.colour}`, pen.bold && "bold", pen.dim && "dim", pen.italic && "italic",
      pen.underlined && "underlined"].filter(Boolean).join(" ");
  }

  /* A line as [[class, text], ...], and the pen behind it. */
  function coloured(raw, pen) {
    const parts = [];
    let from = 0;
    const put = (text) => {
      if (!text) return;
      const name = classOf(pen);
      if (parts.length && parts[parts.length - 1][0] === name) parts[parts.length - 1][1] += text;
      else parts.push([name, text]);
    };
    ESCAPES.lastIndex = 0;
    for (let found; (found = ESCAPES.exec(raw)); from = ESCAPES.lastIndex) {
      put(raw.slice(from, found.index));
      if (found[0] === "\r") parts.length = 0;
      else if (found[2] === "m") pen = penAfter(pen, found[1]);
    }
    put(raw.slice(from));
    return { parts, pen };
  }

  class Line {
    constructor(number) {
      this.element = document.createElement("div");
      this.element.className = "line";
      this.element.dataset.n = String(number);
      this.raw = "";
      this.text = "";
    }

    /* Draw; the pen behind this line. */
    draw(pen, whole = false) {
      const raw = this.raw.endsWith("\r") ? this.raw.replace(/\r+$/, "") : this.raw;
      const { parts, pen: after } = coloured(raw, pen);
      this.text = parts.map((part) => part[1]).join("");
      const nodes = [];
      let room = whole ? Infinity : LONG_LINE;
      for (const [name, text] of parts) {
        if (room <= 0) break;
        const shown = text.length > room ? text.slice(0, room) : text;
        room -= shown.length;
        if (name) {
          const span = document.createElement("span");
          span.className = name;
          span.textContent = shown;
          nodes.push(span);
        } else nodes.push(document.createTextNode(shown));
      }
      if (!whole && this.text.length > LONG_LINE) {
        const more = document.createElement("button");
        more.type = "button";
        more.className = "more";
        more.textContent = `${(this.text.length - LONG_LINE).toLocaleString("en")} more characters`;
        more.addEventListener("click", () => { this.draw(pen, true); this.element.focus(); });
        nodes.push(more);
      }
      this.element.replaceChildren(...nodes);
      return after;
    }
  }

  function linesOf(item) {
    if (typeof item !== "string") return 0;
    let number = 0;
    for (let at = item.indexOf("\n"); at >= 0; at = item.indexOf("\n", at + 1)) number += 1;
    return number;
  }

  class Log extends EventTarget {
    constructor(pre) {
      super();
      this.pre = pre;
      this.following = true;
      this.query = "";
      this.hits = [];
      this.current = -1;
      this.drawn = { at: 0, took: 0 };
      this.waiting = false;
      pre.addEventListener("scroll", () => {
        const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
        if (atEnd !== this.following) { this.following = atEnd; this.tell(); }
      }, { passive: true });
      this.reset();
    }

    reset() {
      this.lines = [];
      this.open = null;
      this.pen = PLAIN;
      this.number = 0;
      this.characters = 0;
      this.rest = "";
      this.coming = [];
      this.pre.replaceChildren();
      this.search(this.query);
      this.tell();
    }

    /* Text, or how many bytes between were not kept, shown soon: what comes meanwhile is drawn together, and drawing
     * takes a fifth of the time at most, so that a job that writes without end does not stop the page. */
    later(item) {
      this.coming.push(item);
      if (this.waiting) return;
      this.waiting = true;
      const pause = Math.max(0, this.drawn.at + 4 * this.drawn.took - performance.now());
      setTimeout(() => requestAnimationFrame(() => this.draw()), pause);
    }

    draw() {
      const began = performance.now();
      const items = this.coming;
      this.coming = [];
      this.waiting = false;
      let from = items.length;
      for (let lines = 0; from > 0 && lines <= MOST_LINES; from -= 1) lines += linesOf(items[from - 1]);
      for (const item of items.slice(0, from)) this.number += linesOf(item); /* they would not stay anyway */
      if (from) { this.open = null; this.rest = ""; }
      for (const item of items.slice(from)) {
        if (typeof item === "string") this.add(item); else this.note(item);
      }
      this.finish();
      this.drawn = { at: performance.now(), took: performance.now() - began };
    }

    append(text) {
      this.add(text);
      this.finish();
    }

    finish() {
      this.trim();
      if (this.query) this.search(this.query, true);
      this.tell(); /* who listens may show what was hidden while it was empty */
      if (this.following) this.toEnd();
    }

    note(bytes) {
      const note = document.createElement("div");
      note.className = "note";
      note.textContent = `${bytes.toLocaleString("en")} bytes were not kept`;
      this.pre.append(note);
      this.open = null;
    }

    add(text) {
      text = this.rest + text;
      const cut = text.slice(-4100).match(UNFINISHED);
      this.rest = cut ? cut[0] : "";
      if (this.rest) text = text.slice(0, text.length - this.rest.length);
      if (!text) return;
      let pieces = text.split("\n");
      const gone = pieces.length - 1 - MOST_LINES;
      if (gone > 0) { /* they would be taken away again at once */
        pieces = pieces.slice(gone);
        this.number += this.open ? gone - 1 : gone;
        this.open = null;
      }
      const fresh = document.createDocumentFragment();
      pieces.forEach((piece, at) => {
        const last = at === pieces.length - 1;
        if (last && piece === "") return;
        let line = this.open;
        if (!line) {
          line = new Line(++this.number);
          line.before = this.pen;
          this.lines.push(line);
          fresh.append(line.element);
        }
        line.raw += piece;
        if (last && line.raw.includes("\r")) line.raw = line.raw.slice(line.raw.lastIndexOf("\r", line.raw.length - 2) + 1);
        this.characters += piece.length + 1;
        this.pen = line.draw(line.before);
        this.open = last && line.raw.length < LONGEST_OPEN ? line : null;
      });
      this.pre.append(fresh);
    }

    trim() {
      let gone = 0;
      while (this.lines.length - gone > MOST_LINES || (this.characters > MOST_CHARACTERS && this.lines.length - gone > 1)) {
        this.characters -= this.lines[gone].raw.length + 1;
        this.lines[gone].element.remove();
        gone += 1;
      }
      if (!gone) return;
      this.lines.splice(0, gone);
      while (this.pre.firstElementChild !== this.lines[0].element) this.pre.firstElementChild.remove(); /* notes */
    }

    toEnd() { this.pre.scrollTop = this.pre.scrollHeight; }

    follow(on) {
      this.following = on;
      if (on) this.toEnd();
      this.tell();
    }

    tell() { this.dispatchEvent(new Event("changed")); }

    /* Find all; keep the current hit where it is if only new lines came. */
    search(query, grown = false) {
      this.query = query;
      const wanted = query.toLowerCase();
      const before = grown && this.current >= 0 ? this.hits[this.current] : null;
      this.hits = [];
      if (wanted) {
        for (const line of this.lines) {
          const text = line.text.toLowerCase();
          for (let at = text.indexOf(wanted); at >= 0 && this.hits.length < MOST_HITS; at = text.indexOf(wanted, at + wanted.length)) {
            this.hits.push({ line, at });
          }
        }
      }
      this.current = before ? this.hits.findIndex((hit) => hit.line === before.line && hit.at === before.at) : -1;
      if (this.current < 0 && this.hits.length && !grown) this.current = 0;
      this.mark();
      if (!grown && this.hits.length) this.show();
      this.tell();
    }

    step(by) {
      if (!this.hits.length) return;
      this.current = (this.current + by + this.hits.length) % this.hits.length;
      this.mark();
      this.show();
      this.tell();
    }

    show() {
      this.following = false;
      const { line, at } = this.hits[this.current];
      if (at + this.query.length > LONG_LINE && line.element.querySelector(".more")) {
        line.draw(line.before, true);
        this.mark();
      }
      const range = rangeOf(this.hits[this.current], this.query.length);
      const box = (range || line.element).getBoundingClientRect();
      const own = this.pre.getBoundingClientRect();
      if (box.top < own.top || box.bottom > own.bottom) this.pre.scrollTop += box.top - own.top - own.height / 3;
      if (box.left < own.left || box.right > own.right) this.pre.scrollLeft += box.left - own.left - own.width / 3;
    }

    mark() {
      const size = this.query.length;
      for (const element of this.pre.querySelectorAll(".line.hit")) element.classList.remove("hit");
      if (this.current >= 0) this.hits[this.current].line.element.classList.add("hit");
      if (!window.CSS || !CSS.highlights) return;
      if (!this.hits.length) { CSS.highlights.delete("found"); CSS.highlights.delete("found-now"); return; }
      const ranges = this.hits.slice(0, 2000).map((hit) => rangeOf(hit, size)).filter(Boolean);
      CSS.highlights.set("found", new Highlight(...ranges));
      const now = this.current >= 0 && rangeOf(this.hits[this.current], size);
      if (now) CSS.highlights.set("found-now", new Highlight(now)); else CSS.highlights.delete("found-now");
    }
  }

  function rangeOf({ line, at }, size) {
    const range = document.createRange();
    const walker = document.createTreeWalker(line.element, NodeFilter.SHOW_TEXT);
    let position = 0;
    let begun = false;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentNode.className === "more") break;
      const end = position + node.length;
      if (!begun && at < end) { range.setStart(node, at - position); begun = true; }
      if (begun && at + size <= end) { range.setEnd(node, at + size - position); return range; }
      position = end;
    }
    return null;
  }

  window.picloud = Object.assign(window.picloud || {}, { Log });
})();
