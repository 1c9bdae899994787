/* Theme, times, questions before changes, messages, keyboard. Every page can be read, and every form sent, without it. */
"use strict";
(() => {
  const root = document.documentElement;
  try { if (localStorage.theme) root.dataset.theme = localStorage.theme; } catch { /* private windows */ }

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  function nameTheme(button) {
    button.textContent = isDark() ? "☀ Light" : "☾ Dark";
    button.setAttribute("aria-label", `Use ${isDark() ? "light" : "dark"} colours`);
  }

  function ago(seconds) {
    if (seconds < 10) return "just now";
    if (seconds < 60) return `${Math.floor(seconds)} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    return "";
  }

  /* Times in the browser's zone; with class "ago", recent ones as "3 min ago". */
  function localTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (Number.isNaN(date.getTime())) continue;
      const today = date.toDateString() === new Date().toDateString();
      const recent = time.classList.contains("ago") ? ago((Date.now() - date) / 1000) : "";
      const text = recent || (today ? date.toLocaleTimeString() : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
      if (time.textContent !== text) time.textContent = text;
      time.title = date.toLocaleString();
    }
  }

  /* --- questions before changes */

  function sendIfAgreed(form, question, verb, button) {
    const dialog = document.getElementById("question");
    document.getElementById("question-text").textContent = question;
    document.getElementById("question-yes").textContent = verb || "OK";
    dialog.returnValue = "no";
    dialog.onclose = () => { if (dialog.returnValue === "yes") { form.dataset.agreed = "1"; form.requestSubmit(button || undefined); } };
    dialog.showModal();
  }

  /* The server is asked what would be changed; its answer, with the number of jobs, is the question. */
  async function askServer(form, button) {
    const fields = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("confirmation");
    if (!found) { location.href = answer.redirected ? answer.url : location.href; return; }
    const dialog = document.getElementById("sure");
    dialog.replaceChildren(...document.importNode(found, true).childNodes);
    dialog.querySelector("a.cancel")?.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
    dialog.showModal();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ("preview" in form.dataset) {
      event.preventDefault();
      askServer(form, event.submitter).catch(() => root.classList.add("unreachable"));
    } else if (form.dataset.question && !form.dataset.agreed) {
      event.preventDefault();
      sendIfAgreed(form, form.dataset.question, form.dataset.verb || event.submitter?.textContent.trim(), event.submitter);
    }
  });

  /* --- messages */

  function say(text) {
    const toast = document.createElement("div");
    toast.className = "toast";
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "close";
    close.textContent = "✕";
    close.setAttribute("aria-label", "Close this message");
    toast.append(words, close);
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), 8000);
  }

  document.addEventListener("click", (event) => {
    if (event.target.matches?.(".toast .close")) event.target.closest(".toast").remove();
  });

  /* --- keyboard: rows are elements with data-row; the one in use has the class "at" */

  const rows = () => [...document.querySelectorAll("[data-row]")];
  let at = null;
  let going = 0;

  function mark() {
    for (const row of rows()) row.classList.toggle("at", row.dataset.row === at);
  }

  function step(by) {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.dataset.row === at);
    const next = all[now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by))];
    at = next.dataset.row;
    mark();
    next.scrollIntoView({ block: "nearest" });
    next.querySelector("[data-open]")?.focus({ preventScroll: true });
  }

  const row = () => rows().find((one) => one.dataset.row === at);

  const KEYS = {
    "/": () => { const box = document.querySelector("[data-search]"); box?.focus(); box?.select?.(); return box; },
    "?": () => document.getElementById("keys")?.showModal(),
    j: () => step(1),
    k: () => step(-1),
    x: () => row()?.querySelector("input[type=checkbox]")?.click(),
    o: () => row()?.querySelector(".opener")?.click(),
    g: () => { going = Date.now(); },
  };

  function go(letter) {
    for (const link of document.querySelectorAll(".top nav a"))
      if (link.textContent.trim().toLowerCase().startsWith(letter)) { link.click(); return; }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select, [data-keys]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (Date.now() - going < 1500 && event.key.length === 1) { going = 0; go(event.key.toLowerCase()); return; }
    const action = KEYS[event.key];
    if (action) { event.preventDefault(); action(); }
  });

  document.addEventListener("renewed", mark);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    button.hidden = false;
    nameTheme(button);
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.theme = root.dataset.theme; } catch { /* private windows */ }
      nameTheme(button);
      document.dispatchEvent(new CustomEvent("recoloured"));
    });
    const keys = document.getElementById("show-keys");
    if (keys) { keys.hidden = false; keys.addEventListener("click", () => document.getElementById("keys").showModal()); }
    localTimes(document);
    setInterval(() => localTimes(document), 10000);
    for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), 8000);
  });

  window.picloud = Object.assign(window.picloud || {}, { localTimes, say });
})();
