/* Keeps parts of a page as the server has them, without loading it again.
 *
 * A part is an element with an id and `data-live`. When the server says that something changed, the page is asked for
 * again and every part takes over what is different, node by node: focus, selection, scrolling and what is typed stay.
 * `data-live="2000"`: every two seconds as well. `data-keep` on an element inside: scripts own it, it is left alone.
 * After a part was renewed, it gets the event 'renewed'. Without a stream, the page is asked for every three seconds.
 */
"use strict";
(() => {
  const root = document.documentElement;
  const QUICKEST = 250;
  const POLL = 3000;
  const STAYED = 3000;
  const { stream } = window.picloud;
  let polling = 0;
  let asking = false;
  let again = false;
  let leaving = 0;
  let lastTook = 0;
  let lastAt = 0;

  const parts = () => [...document.querySelectorAll("[data-live][id]")];

  function mayChange(name, element) {
    if (element.nodeName === "DETAILS" && name === "open") return false;
    return !(element.nodeName === "INPUT" && element.type === "checkbox" && name === "checked");
  }

  function take(part, fresh) {
    Idiomorph.morph(part, fresh, {
      ignoreActiveValue: true,
      callbacks: {
        beforeAttributeUpdated: mayChange,
        beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset),
        beforeNodeRemoved: (old) => !(old.dataset && "keep" in old.dataset),
      },
    });
    part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
  }

  async function ask() {
    const address = location.href;
    const answer = await fetch(address, { credentials: "same-origin", cache: "no-store", headers: { "X-Live": "1" } });
    if (answer.redirected || answer.status === 404) {
      if (!leaving) location.reload(); /* else that would end the way to where we go */
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (location.href !== address) { again = true; return; } /* something else is looked at by now */
    window.picloud.localTimes(page);
    for (const part of parts()) {
      const fresh = page.getElementById(part.id);
      if (fresh) take(part, fresh);
    }
    stream.review(); /* maybe nothing changes here any more */
  }

  async function renew() {
    if (leaving) return; /* what is shown may be what was just deleted */
    if (asking) { again = true; return; }
    if (!parts().length) return;
    asking = true;
    const wait = lastAt + Math.max(QUICKEST, 4 * lastTook) - Date.now();
    if (wait > 0) await new Promise((wake) => setTimeout(wake, wait));
    again = false;
    const began = Date.now();
    try {
      await ask();
      root.classList.remove("unreachable");
    } catch {
      root.classList.add("unreachable"); /* the server is gone or restarts: the stream or the next poll tries again */
    }
    lastAt = Date.now();
    lastTook = lastAt - began;
    asking = false;
    if (again) renew();
  }

  function poll(on) {
    if (on && !polling) polling = setInterval(renew, POLL);
    if (!on && polling) { clearInterval(polling); polling = 0; }
  }

  stream.address = () => (parts().length ? `${root.dataset.root}live` : "");
  stream.addEventListener("open", () => { poll(false); root.dataset.stream = "open"; renew(); });
  stream.addEventListener("changed", renew);
  stream.addEventListener("over", renew);
  stream.addEventListener("lost", () => { delete root.dataset.stream; poll(true); });
  stream.addEventListener("quiet", () => { root.dataset.stream = "quiet"; poll(true); });
  stream.addEventListener("idle", () => { delete root.dataset.stream; poll(false); });
  window.addEventListener("beforeunload", () => { /* maybe only a download */
    clearTimeout(leaving);
    leaving = setTimeout(() => { leaving = 0; renew(); }, STAYED);
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) leaving = 0; });

  document.addEventListener("DOMContentLoaded", () => {
    for (const part of parts()) {
      const every = Number(part.dataset.live);
      if (every) setInterval(() => { if (!document.hidden && part.isConnected && part.dataset.live) renew(); }, every);
    }
  });

  window.picloud = Object.assign(window.picloud || {}, { renew });
})();
