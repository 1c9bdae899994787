/* Sends a file that was chosen, and says how far it is. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("upload");
  const [file, name, sent, wrong] = ["file", "name", "sent", "wrong"].map((id) => document.getElementById(id));
  form.hidden = false;
  file.addEventListener("change", () => { if (file.files[0]) name.value = file.files[0].name; });

  function ended(text) {
    sent.hidden = true;
    form.querySelector("button").disabled = false;
    wrong.hidden = !text;
    wrong.textContent = text;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest(); /* fetch cannot say how far it is */
    request.open("POST", `${form.dataset.to}?${new URLSearchParams({ name: name.value })}`);
    request.setRequestHeader("X-Csrf", form.dataset.csrf);
    request.upload.onprogress = (step) => { if (step.lengthComputable) sent.value = step.loaded / step.total; };
    request.onerror = () => ended("It was not sent: the server does not answer.");
    request.onload = () => {
      if (request.status !== 201) {
        let said = "";
        try { said = JSON.parse(request.responseText).error; } catch { /* signed out: a page came */ }
        ended(said || "It was not taken. Load the page again, and repeat what you did.");
        return;
      }
      ended("");
      window.picloud.say(`Put ${name.value}.`);
      form.reset();
      window.picloud.renew();
    };
    sent.value = 0;
    sent.hidden = false;
    form.querySelector("button").disabled = true;
    request.send(file.files[0]);
  });
});
