/* The Jobs page: which rows are selected, and a search without empty fields in its address. */
"use strict";
(() => {
  const picked = new Set();
  const boxes = () => [...document.querySelectorAll("input[name=sid]")].filter((box) => box.type === "checkbox");

  function show() {
    const form = document.getElementById("bulk");
    if (!form) return;
    const all = boxes();
    const many = all.filter((box) => box.checked).length;
    const everything = document.getElementById("everything").checked;
    const pickAll = document.getElementById("pick-all");
    pickAll.checked = many > 0 && many === all.length;
    pickAll.indeterminate = many > 0 && many < all.length;
    document.getElementById("picked-text").textContent = many ? `${many} selected` : "Select all";
    for (const button of form.querySelectorAll("button")) button.disabled = !many && !everything;
    form.classList.toggle("some", many > 0 || everything);
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "pick-all") for (const box of boxes()) box.checked = event.target.checked;
    picked.clear();
    for (const box of boxes()) if (box.checked) picked.add(box.value);
    show();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const given = event.detail.parameters;
    for (const name of Object.keys(given)) if (!given[name]) delete given[name];
    if (!given.since && !given.until) delete given.zone;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.serverResponse.includes('id="found"')) { event.preventDefault(); location.reload(); } /* signed out */
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const box of boxes()) box.checked = picked.has(box.value);
    window.picloud.localTimes(document); document.dispatchEvent(new CustomEvent("renewed"));
  });
  /* On a phone, all filters but the first wait behind a button, as long as none of them is in use. */
  function fold(search) {
    const rest = [...search.querySelectorAll("input:not([type=hidden])")].slice(1);
    if (rest.some((field) => field.value)) return;
    const more = document.createElement("button");
    more.type = "button";
    more.className = "more";
    more.textContent = "More filters";
    more.addEventListener("click", () => { search.classList.remove("brief"); more.remove(); rest[0].focus(); });
    search.querySelector(".buttons").append(more);
    search.classList.add("brief");
  }

  document.addEventListener("renewed", show);
  document.addEventListener("DOMContentLoaded", () => {
    const zone = document.querySelector("[data-zone]");
    if (zone) zone.value = new Date().getTimezoneOffset();
    fold(document.getElementById("search"));
    show();
  });
})();
