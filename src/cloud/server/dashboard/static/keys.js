/* Copies a new key; forgets it when the page is left. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("copy");
  const secret = document.getElementById("secret");
  if (!button) return;
  /* Behind a proxy, only the browser knows by which address the server is reached. */
  secret.textContent = secret.textContent.replace(/^PICLOUD_URL=.*/, `PICLOUD_URL=${new URL(".", location.href).href.replace(/\/$/, "")}`);
  /* Loading the page again must not make another key. */
  history.replaceState(null, "", location.href);
  if (!navigator.clipboard) return; /* a page over plain http from another machine has none */
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(secret.textContent);
    button.textContent = "Copied";
  });
});
