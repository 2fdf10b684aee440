// Waiting for the file of a report: its state is asked for each second, and the page is drawn anew when it has ended.
(function () {
  "use strict";
  const box = document.querySelector("[data-report-state]");
  if (!box) return;
  const bar = box.querySelector("progress");
  const label = box.querySelector("[data-state-label]"), text = box.querySelector("[data-state-text]");
  async function look() {
    try {
      const answer = await fetch(box.dataset.reportState, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const state = await answer.json();
      if (state.ended) { clearInterval(timer); location.reload(); return; }
      label.textContent = state.label;
      text.textContent = state.text;
      if (state.total) { bar.max = state.total; bar.value = state.done; } else { bar.removeAttribute("value"); }
    } catch (error) { /* the next look may succeed */ }
  }
  const timer = setInterval(look, 1000);
  look();
})();
