/* Copies a new key; forgets it when the page is left. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("copy");
  if (!button) return;
  /* Loading the page again must not make another key. */
  history.replaceState(null, "", location.href);
  if (!navigator.clipboard) return; /* a page over plain http from another machine has none */
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("secret").textContent);
    button.textContent = "Copied";
  });
});
