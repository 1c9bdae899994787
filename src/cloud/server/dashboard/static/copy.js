/* Buttons with `data-copy`, the id of what they copy. They are hidden where there are no scripts. */
"use strict";
(() => {
  const SAID = 1500;
  const FAILED = "This browser does not let the page copy. Select the text instead.";
  const told = new Map(); /* buttons that say "Copied" now, with what they said before, and until when */

  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) { await navigator.clipboard.writeText(text); return; }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error(FAILED);
  }

  function tell(button) {
    const before = told.get(button);
    if (before) clearTimeout(before.timer);
    const text = before ? before.text : button.textContent;
    button.textContent = "Copied";
    const timer = setTimeout(() => { told.delete(button); button.textContent = text; }, SAID);
    told.set(button, { text, timer });
  }

  const show = () => { for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false; };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try { await copy(document.getElementById(button.dataset.copy).textContent); } catch { window.picloud.say(FAILED); return; }
    tell(button);
  });
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("renewed", show);
})();
