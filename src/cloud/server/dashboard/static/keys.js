/* Completes what is shown of a new key, and forgets it when the page is left. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const secret = document.getElementById("secret");
  if (!secret) return;
  /* Behind a proxy, only the browser knows by which address the server is reached. */
  secret.textContent = secret.textContent.replace(/^PICLOUD_URL=.*/, `PICLOUD_URL=${new URL(".", location.href).href.replace(/\/$/, "")}`);
  /* Loading the page again must not make another key. */
  history.replaceState(null, "", location.href);
});
