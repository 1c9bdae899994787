/* The one stream of events that a page listens to.
 *
 * Over HTTP/1.1 a browser has six connections to a server, for all its tabs and windows together, and a stream keeps
 * one. So a page holds one stream at most; one that nobody sees holds none; and of pages that are seen side by side the
 * `SEATS` that were used last do. The others ask every few seconds, until they are used or there is room. Pages know
 * of each other by notes in localStorage, which they renew while they are seen.
 *
 * Events of `picloud.stream`: "open"; "lost": the browser tries again by itself; "quiet": there is none, ask yourself;
 * "idle": nor is there anything to ask for; and what the server says: "changed", "over", "output" and "end".
 */
"use strict";
(() => {
  const SEATS = 4;
  const BEAT = 2000;
  const GONE = 10000; /* a page that has not renewed its note for so long has crashed */
  const RETRY = 2000;
  const NO_ROOM = 10000;
  const NOTE = "picloud-page-";
  const SAID = ["changed", "over", "output", "end"];
  const own = NOTE + Math.random().toString(36).slice(2);

  class Stream extends EventTarget {
    constructor() {
      super();
      this.source = null;
      this.used = Date.now();
      this.state = "idle";
      this.later = 0;
      this.begun = false;
      /* Where to listen; "" for nowhere. Scripts of pages replace it, all of them before the page is complete. */
      this.address = () => "";
    }

    /* Listen, or stop, as it should be by now. */
    review() {
      if (!this.begun) return;
      const address = document.hidden ? "" : this.address();
      if (!address) this.stop("idle");
      else if (!this.hasSeat() || !window.EventSource) this.stop("quiet");
      else if (!this.source && !this.later) this.listen(address);
    }

    listen(address) {
      const source = new EventSource(address);
      this.source = source;
      this.state = "listening";
      source.addEventListener("open", () => this.tell("open"));
      for (const name of SAID) source.addEventListener(name, (event) => this.tell(name, event));
      source.addEventListener("over", () => this.again(RETRY)); /* it stops, or we signed out */
      source.addEventListener("error", () => {
        if (source.readyState !== EventSource.CLOSED) this.tell("lost");
        else if (this.source === source) this.again(NO_ROOM);
      });
    }

    again(milliseconds) {
      this.stop("quiet");
      this.later = setTimeout(() => { this.later = 0; this.review(); }, milliseconds);
    }

    stop(state) {
      clearTimeout(this.later);
      this.later = 0;
      if (this.source) this.source.close();
      this.source = null;
      const before = this.state;
      this.state = state;
      if (state === "idle") forget();
      if (state !== before) this.tell(state);
    }

    tell(name, said) {
      this.dispatchEvent(Object.assign(new Event(name), { data: said?.data, lastEventId: said?.lastEventId }));
    }

    /* Whether fewer than `SEATS` of the pages that are seen were used later than this one. */
    hasSeat() {
      try {
        let before = 0;
        for (const name of Object.keys(localStorage)) {
          if (!name.startsWith(NOTE) || name === own) continue;
          const [used, noted] = JSON.parse(localStorage[name]);
          if (Math.abs(Date.now() - noted) > GONE) localStorage.removeItem(name);
          else if (used > this.used || (used === this.used && name > own)) before += 1;
        }
        return before < SEATS;
      } catch { return true; } /* private windows */
    }

    /* Tell other pages that this one is there, if it is. */
    note() {
      if (document.hidden || !this.address()) return;
      try { localStorage[own] = JSON.stringify([this.used, Date.now()]); } catch { /* private windows */ }
    }
  }

  function forget() {
    try { localStorage.removeItem(own); } catch { /* private windows */ }
  }

  const stream = new Stream();
  const look = () => { stream.note(); stream.review(); };
  const leave = () => stream.stop("idle");
  document.addEventListener("DOMContentLoaded", () => { stream.begun = true; look(); });
  const use = () => { stream.used = Date.now(); look(); };
  document.addEventListener("visibilitychange", use);
  window.addEventListener("focus", use);
  window.addEventListener("storage", (event) => { if (!event.key || event.key.startsWith(NOTE)) stream.review(); });
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => { if (event.persisted) look(); });
  setInterval(look, BEAT);
  window.picloud = Object.assign(window.picloud || {}, { stream });
})();
