/* The page of a job: tabs of outputs with their tools, the live stream, clocks that run, the stack. */
"use strict";
(() => {
  const POLL = 3000;
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const remembered = (name) => { try { return localStorage[name]; } catch { return undefined; } };
  const remember = (name, value) => { try { localStorage[name] = value; } catch { /* private windows */ } };

  /* --- outputs */

  class Panel {
    constructor(box, running) {
      this.box = box;
      this.name = box.dataset.stream;
      this.none = box.querySelector(".none");
      this.pre = box.querySelector("pre");
      const text = this.pre ? this.pre.textContent : "";
      this.cut = Boolean(box.querySelector(".cut"));
      if (!this.pre) {
        this.pre = make("pre", { id: this.name, tabIndex: 0, hidden: true });
        this.pre.setAttribute("aria-labelledby", `${this.name}-title`);
        box.append(this.pre);
      }
      this.pre.classList.add("output", "log");
      this.position = { attempt: -1, end: 0 };
      this.tools(running);
      this.log = new window.picloud.Log(this.pre);
      this.log.addEventListener("changed", () => this.said());
      if (text) this.log.append(text);
      this.wrap(remembered("wrap") !== "no");
      this.said();
      this.log.toEnd();
    }

    tools() {
      const tools = this.box.querySelector(".tools");
      this.find = make("input", { type: "search", placeholder: "Search", autocomplete: "off", spellcheck: false });
      this.find.setAttribute("aria-label", `Search in ${this.name}`);
      this.count = make("span", { className: "hits faint" });
      this.count.setAttribute("role", "status");
      this.previous = make("button", { type: "button", textContent: "↑" });
      this.previous.setAttribute("aria-label", "Previous hit");
      this.next = make("button", { type: "button", textContent: "↓" });
      this.next.setAttribute("aria-label", "Next hit");
      this.followButton = make("button", { type: "button", className: "toggle", textContent: "Follow" });
      this.wrapButton = make("button", { type: "button", className: "toggle", textContent: "Wrap" });
      const search = make("span", { className: "log-search" }, this.find, this.count, this.previous, this.next);
      tools.prepend(search, this.followButton, this.wrapButton);
      this.find.addEventListener("input", () => this.log.search(this.find.value));
      this.find.addEventListener("keydown", (event) => {
        if (event.key === "Enter") { event.preventDefault(); this.log.step(event.shiftKey ? -1 : 1); }
        if (event.key === "Escape") { this.find.value = ""; this.log.search(""); }
      });
      this.previous.addEventListener("click", () => this.log.step(-1));
      this.next.addEventListener("click", () => this.log.step(1));
      this.followButton.addEventListener("click", () => this.log.follow(!this.log.following));
      this.wrapButton.addEventListener("click", () => {
        const on = this.pre.classList.contains("nowrap");
        remember("wrap", on ? "yes" : "no");
        document.dispatchEvent(new CustomEvent("wrap", { detail: on }));
      });
      document.addEventListener("wrap", (event) => this.wrap(event.detail));
    }

    wrap(on) {
      this.pre.classList.toggle("nowrap", !on);
      this.wrapButton.setAttribute("aria-pressed", String(on));
    }

    said() {
      const { log } = this;
      if (!log) return;
      const empty = !log.lines.length;
      this.pre.hidden = empty;
      if (this.none) this.none.hidden = !empty;
      for (const part of this.box.querySelectorAll(".tools > *")) part.hidden = empty;
      this.followButton.setAttribute("aria-pressed", String(log.following));
      this.followButton.hidden = empty || !this.box.parentNode.hasAttribute("data-running");
      const many = log.hits.length;
      this.count.textContent = log.query ? (many ? `${log.current + 1} of ${many.toLocaleString("en")}` : "none") : "";
      this.previous.hidden = this.next.hidden = !many;
      if (this.tab) {
        this.badge.textContent = empty ? "" : (log.number).toLocaleString("en");
        this.badge.hidden = empty;
      }
    }

    take({ attempt, start, text }) {
      if (attempt !== this.position.attempt) {
        this.log.reset(); /* what the page came with, or what an attempt wrote that was lost */
        this.position = { attempt, end: 0 };
        const cut = this.box.querySelector(".cut");
        if (cut) cut.remove();
      }
      if (start > this.position.end) this.log.later(start - this.position.end);
      this.position.end = start + new TextEncoder().encode(text).length;
      this.log.later(text);
      if (!this.linked) this.link();
    }

    replace(text) {
      if (text === this.polled) return;
      this.polled = text;
      this.position = { attempt: -1, end: 0 };
      this.log.reset();
      this.log.append(text);
    }

    link() {
      this.linked = true;
      const tools = this.box.querySelector(".tools");
      if (tools.querySelector("a")) return;
      tools.append(make("a", { href: this.box.dataset.url, textContent: "As plain text" }), " ",
        make("a", { href: `${this.box.dataset.url}/download`, download: "", textContent: "Download" }));
    }
  }

  /* The panels as tabs; the first that has something is open. */
  function tabs(section, panels) {
    const list = make("div", { className: "tabs" });
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Outputs");
    const open = (panel, focus = false) => {
      for (const other of panels) {
        const on = other === panel;
        other.box.hidden = !on;
        other.tab.setAttribute("aria-selected", String(on));
        other.tab.tabIndex = on ? 0 : -1;
        other.find.toggleAttribute("data-search", on); /* the key "/" leads there */
      }
      panel.log.search(panel.log.query, true);
      if (panel.log.following) panel.log.toEnd();
      if (focus) panel.tab.focus();
    };
    for (const panel of panels) {
      panel.badge = make("span", { className: "badge" });
      panel.tab = make("button", { type: "button", id: `${panel.name}-tab` }, panel.name, " ", panel.badge);
      panel.tab.setAttribute("role", "tab");
      panel.box.id = `${panel.name}-panel`;
      panel.tab.setAttribute("aria-controls", panel.box.id);
      panel.box.setAttribute("role", "tabpanel");
      panel.box.setAttribute("aria-labelledby", panel.tab.id);
      panel.box.querySelector("h2").className = "unseen";
      panel.tab.addEventListener("click", () => { section.dataset.chosen = "yes"; open(panel); });
      list.append(panel.tab);
    }
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = panels.findIndex((panel) => panel.tab === document.activeElement);
      section.dataset.chosen = "yes";
      open(panels[(at + step + panels.length) % panels.length], true);
    });
    section.prepend(list);
    const first = () => panels.find((panel) => panel.log.lines.length) || panels[0];
    open(first());
    for (const panel of panels) {
      panel.said();
      panel.log.addEventListener("changed", () => {
        if (!section.dataset.chosen && first().box.hidden) open(first());
      });
    }
  }

  /* What the job writes comes by the stream that tells of changes too, until the job has ended. */
  function listen(section, panels) {
    const { stream } = window.picloud;
    const elsewhere = stream.address;
    const byName = new Map(panels.map((panel) => [panel.name, panel]));
    let seen = "";
    let asking = 0;
    stream.address = () => section.dataset.followUrl + (seen ? `?seen=${encodeURIComponent(seen)}` : "");
    stream.addEventListener("output", (event) => {
      seen = event.lastEventId;
      const news = JSON.parse(event.data);
      byName.get(news.stream).take(news);
    });
    const end = () => {
      stream.address = elsewhere;
      delete section.dataset.running;
      section.dataset.over = "yes";
      for (const panel of panels) panel.log.draw();
    };
    stream.addEventListener("end", () => {
      end();
      stream.stop("idle");
      window.picloud.renew();
      stream.review();
    });
    /* Without a stream: until the page knows that the job has ended, and once more. */
    const ask = async () => {
      const last = !document.querySelector("#job[data-live]");
      for (const panel of panels) {
        try {
          const answer = await fetch(panel.box.dataset.url, { credentials: "same-origin", cache: "no-store" });
          const text = await answer.text();
          if (!asking) return;
          if (answer.ok) panel.replace(text);
        } catch { return; } /* the server is gone */
      }
      if (last) { end(); rest(); }
    };
    const rest = () => { clearInterval(asking); asking = 0; };
    stream.addEventListener("quiet", () => {
      if (asking || stream.address === elsewhere) return;
      seen = "";
      asking = setInterval(ask, POLL);
      ask();
    });
    stream.addEventListener("open", rest);
    stream.addEventListener("idle", rest);
  }

  /* --- the rest of the page */

  function duration(seconds) {
    if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  }

  /* Clocks begin at what the server said: the clock of this machine may be another. */
  const clocks = new WeakMap();
  function tick() {
    for (const clock of document.querySelectorAll("[data-counts]")) {
      const said = clock.dataset.counts;
      const known = clocks.get(clock);
      if (!known || known.said !== said) { clocks.set(clock, { said, at: performance.now() }); continue; }
      clock.textContent = duration(Number(said) + (performance.now() - known.at) / 1000);
    }
  }

  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-stack]")) return;
    event.preventDefault();
    const panel = document.getElementById("stack-panel");
    let text;
    try {
      const answer = await fetch(event.target.action, { credentials: "same-origin", cache: "no-store", headers: { "X-Part": "1" } });
      text = await answer.text();
    } catch { text = "The server does not answer."; }
    const pre = make("pre", { id: "stack-text", tabIndex: 0, textContent: text, className: "output" });
    pre.setAttribute("aria-label", "Stack");
    const close = make("button", { type: "button", textContent: "Close" });
    const button = make("button", { type: "button", textContent: "Copy" });
    button.dataset.copy = "stack-text";
    close.addEventListener("click", () => panel.replaceChildren());
    const heading = make("h2", { textContent: `Stack at ${new Date().toLocaleTimeString()}` });
    panel.replaceChildren(make("section", { className: "card" },
      make("div", { className: "head" }, heading, make("span", { className: "tools" }, button, close)), pre));
    pre.focus({ preventScroll: true });
  });

  /* Of a long traceback, where to look first is in view. */
  const opened = new WeakSet();
  function showInnermost() {
    const box = document.getElementById("traceback");
    const frame = box?.querySelector(".innermost")?.getBoundingClientRect();
    if (!frame || opened.has(box)) return;
    opened.add(box);
    const own = box.getBoundingClientRect();
    if (frame.bottom > own.bottom) box.scrollTop += Math.min(frame.bottom - own.bottom + 24, frame.top - own.top);
  }

  function begin() {
    showInnermost();
    const section = document.getElementById("output");
    if (!section) return;
    const panels = [...section.querySelectorAll(".stream")].map((box) => new Panel(box));
    tabs(section, panels);
    listen(section, panels);
    document.addEventListener("renewed", () => {
      showInnermost();
      const status = document.querySelector("#job .status");
      if (status) document.title = document.title.replace(/^(Job \d+) \w+/, `$1 ${status.textContent}`);
    });
    setInterval(tick, 200);
  }
  begin();
})();
