/* Theme, local times, questions before changes, and parts of a page that renew themselves. Every page works without it. */
"use strict";

const root = document.documentElement;
try { if (localStorage.theme) root.dataset.theme = localStorage.theme; } catch { /* private windows */ }

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function nameTheme(button) {
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", `Use ${isDark() ? "light" : "dark"} colours`);
}

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    const today = date.toDateString() === new Date().toDateString();
    time.textContent = today ? date.toLocaleTimeString() : date.toLocaleString();
    time.title = date.toISOString();
  }
}

function inUse(part) {
  const selection = getSelection();
  if (!selection.isCollapsed && part.contains(selection.anchorNode)) return true;
  return part.contains(document.activeElement) && document.activeElement.tagName !== "PRE";
}

/* Where outputs are scrolled to, so that a renewed one is where it was, or follows its end. */
function scrolled(part) {
  const found = {};
  for (const pre of part.querySelectorAll("[data-follow]")) {
    const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 8;
    found[pre.id] = { top: atEnd ? Infinity : pre.scrollTop, focused: pre === document.activeElement };
  }
  return found;
}

async function renew(part) {
  const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  if (answer.redirected) { location.reload(); return; }
  const text = await answer.text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById(part.id);
  if (!fresh) { if (answer.status === 404) location.reload(); return; }
  if (inUse(part)) return;
  const before = scrolled(part);
  localTimes(fresh);
  if (fresh.innerHTML === part.innerHTML && fresh.dataset.live === part.dataset.live) return;
  part.replaceChildren(...fresh.childNodes);
  if (fresh.dataset.live) part.dataset.live = fresh.dataset.live; else delete part.dataset.live;
  for (const pre of part.querySelectorAll("[data-follow]")) {
    const was = before[pre.id] || { top: Infinity, focused: false };
    pre.scrollTop = Math.min(was.top, pre.scrollHeight);
    if (was.focused) pre.focus({ preventScroll: true });
  }
}

async function keepFresh(part) {
  while (part.dataset.live) {
    await new Promise((wake) => setTimeout(wake, Number(part.dataset.live)));
    if (document.hidden) await new Promise((wake) => document.addEventListener("visibilitychange", wake, { once: true }));
    try {
      await renew(part);
      root.classList.remove("unreachable");
    } catch {
      root.classList.add("unreachable"); /* the server is gone or restarts: ask again */
    }
  }
}

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.question;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  button.hidden = false;
  nameTheme(button);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.theme = root.dataset.theme; } catch { /* private windows */ }
    nameTheme(button);
  });
  localTimes(document);
  for (const pre of document.querySelectorAll("[data-follow]")) pre.scrollTop = pre.scrollHeight;
  for (const part of document.querySelectorAll("[data-live]")) keepFresh(part);
});
