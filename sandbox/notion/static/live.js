// Keeps every element with data-live="address" as the server has it, and sends a drop-down's form when it changes.
"use strict";

const EVERY_MS = 1500;

async function refresh(element) {
  if (document.hidden || element.contains(document.activeElement)) return;
  const headers = element.dataset.tag ? { "If-None-Match": element.dataset.tag } : {};
  const answer = await fetch(element.dataset.live, { headers, cache: "no-store" });
  if (answer.status !== 200) return;
  const before = new Map([...element.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e.dataset.text]));
  const open = new Set([...element.querySelectorAll("details[open]")].map((e) => e.id));
  const first = !element.dataset.tag;
  element.innerHTML = await answer.text(); // the server's own template, which escapes all contents
  element.dataset.tag = answer.headers.get("ETag") || "";
  for (const details of element.querySelectorAll("details")) details.open = open.has(details.id);
  if (first) return;
  for (const cell of element.querySelectorAll("[data-key]")) {
    if (before.get(cell.dataset.key) !== cell.dataset.text) cell.classList.add("changed");
  }
}

async function watch(element) {
  for (;;) {
    try {
      await refresh(element);
      document.body.classList.remove("offline");
    } catch {
      document.body.classList.add("offline");
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send]")) event.target.form.requestSubmit();
});
document.querySelectorAll("[data-live]").forEach(watch);
