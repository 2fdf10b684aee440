// The preview of the page, fetched when its panel is opened. Without scripts the panel holds the link to it.
(function () {
  "use strict";
  document.querySelectorAll("details[data-preview]").forEach((panel) => {
    async function load() {
      const answer = await fetch(panel.dataset.preview, { credentials: "same-origin" });
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
      if (answer.ok && found) panel.querySelector("[data-preview-place]").replaceChildren(document.adoptNode(found));
    }
    panel.addEventListener("toggle", () => {
      if (!panel.open || "asked" in panel.dataset) return;
      panel.dataset.asked = "yes";
      load().catch(() => { delete panel.dataset.asked; });
    });
  });
})();
