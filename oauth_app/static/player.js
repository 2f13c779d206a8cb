// Jumps to a moment of the video when somebody chooses it, and marks what is said while it plays.
// Listens on the document: the part of the page with the player is replaced while an entry is worked on.

const player = () => document.getElementById("player");

document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-at]");
  if (!place || !player()) return;
  event.preventDefault();
  player().currentTime = Number(place.dataset.at);
  player().play().catch(() => {}); // a browser that plays nothing by itself still shows the moment
});

// `timeupdate` doesn't bubble, so it is caught on its way down.
document.addEventListener("timeupdate", () => {
  const now = player().currentTime;
  for (const line of document.querySelectorAll(".transcript [data-until]")) {
    const isSaid = Number(line.dataset.at) <= now && now < Number(line.dataset.until);
    if (isSaid === line.hasAttribute("aria-current")) continue;
    if (!isSaid) {
      line.removeAttribute("aria-current");
      continue;
    }
    line.setAttribute("aria-current", "time");
    const list = line.closest(".transcript");
    const middle = line.offsetTop - list.offsetTop - (list.clientHeight - line.clientHeight) / 2;
    list.scrollTo({ top: middle }); // the list alone, so that the page stays where it is
  }
}, true);
