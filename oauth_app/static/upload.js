// Sends the file of the upload form in the background, with its progress. Without this script the form is a plain one.
(() => {
  "use strict";

  const form = document.getElementById("upload");
  if (!form) return;
  const { file, tag, csrf_token: token } = form.elements;
  const zone = form.querySelector(".drop");
  const bar = form.querySelector("progress");
  const words = form.querySelector("[role=status]");
  const problem = form.querySelector("[role=alert]");
  const cancel = form.querySelector("[data-cancel]");
  const send = form.querySelector("[data-send]");
  const limit = Number(form.dataset.limit);
  let request = null;

  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

  const say = (text) => { words.textContent = text; };

  const refuse = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };

  const rest = () => {
    request = null;
    bar.hidden = cancel.hidden = true;
    send.disabled = file.disabled = tag.disabled = false;
  };

  const reasonAgainst = (chosen) => {
    if (chosen.length > 1) return "Choose one file at a time.";
    if (chosen[0].size === 0) return "This file is empty: it has 0 bytes.";
    if (chosen[0].size > limit) return `This file is larger than ${megabytes(limit)}, the limit here.`;
    return "";
  };

  const choose = () => {
    const chosen = file.files;
    if (!chosen.length) return;
    refuse(reasonAgainst(chosen));
    say(`${chosen[0].name}, ${megabytes(chosen[0].size)}`);
  };

  const answered = () => {
    if (request.status === 202) {
      say("It is here.");
      window.location.assign(form.dataset.next);
      return;
    }
    let message = "The upload was refused. Reload this page and try again.";
    try {
      const answer = JSON.parse(request.responseText);
      message = [answer.message, ...answer.details].join(" ");
    } catch {
      // A proxy's own answer: its words are not for people.
    }
    rest();
    say("");
    refuse(message);
  };

  const upload = () => {
    const body = new FormData();
    body.append("tag", tag.value);
    body.append("processing_type", form.elements.processing_type?.value || "full");
    body.append("file", file.files[0]);
    request = new XMLHttpRequest();
    request.open("POST", form.dataset.address);
    request.setRequestHeader("X-CSRFToken", token.value);
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      const percent = Math.floor((100 * event.loaded) / event.total);
      if (percent === bar.value) return;
      bar.value = percent;
      if (percent % 10 === 0 || percent === 100) say(percent === 100 ? "Almost there…" : `${percent} %`);
    });
    request.addEventListener("load", answered);
    request.addEventListener("error", () => {
      rest();
      say("");
      refuse("The connection broke off, or the file was refused. Try again.");
    });
    request.addEventListener("abort", () => {
      rest();
      say("Cancelled. Nothing was kept.");
    });
    bar.value = 0;
    bar.hidden = cancel.hidden = false;
    send.disabled = file.disabled = tag.disabled = true;
    say("0 %");
    request.send(body);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request || !file.files.length) return;
    const reason = reasonAgainst(file.files);
    refuse(reason);
    if (!reason) upload();
  });
  cancel.addEventListener("click", () => request?.abort());
  file.addEventListener("change", choose);

  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (request || !event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    choose();
  });
})();
