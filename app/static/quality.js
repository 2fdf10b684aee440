// One box for whatever a reader types: a booklet number, both rows of an MRZ (Enter after each), a 2D code.
(function () {
  "use strict";
  const box = document.querySelector("[data-scan-any]");
  if (!box) return;
  const WAIT = 1500, FAST = 3000;
  let begun = 0, waiting = 0;

  function send() {
    clearTimeout(waiting);
    box.form.requestSubmit(document.querySelector("[data-scan-send]"));
  }
  // A single row as long as half an MRZ and without blanks: the second row is on its way.
  const isFirstRow = (text) => /^\S{30,60}$/.test(text.trim()) && !text.trimEnd().includes("\n");
  box.addEventListener("input", () => {
    if (box.value.length <= 1) begun = Date.now();
    if (waiting) expect();
  });
  // A reader that lost the second row sends nothing more: what came is sent as it is. Who types by hand is not hurried.
  function expect() {
    clearTimeout(waiting);
    waiting = setTimeout(send, WAIT);
  }
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    if (isFirstRow(box.value) && !box.value.endsWith("\n")) {
      if (Date.now() - begun < FAST) expect();
      return;
    }
    event.preventDefault();
    send();
  });
  // A refused scan is shown; the next one replaces it. Once all three agree, what is left is to look.
  const accept = document.querySelector("[data-key]:not([disabled])");
  const next = accept && (document.querySelector("[data-looks] input:not(:checked)") || accept);
  if (next && !box.value) {
    next.focus();
  } else {
    box.focus();
    box.select();
  }
  // Accept with one key, from wherever one is.
  document.addEventListener("keydown", (event) => {
    const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button || button.disabled || event.repeat || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    button.click();
  });
  // The reader need not be aimed: what it types anywhere outside a field goes to the box.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !/^[A-Z0-9]$/.test(event.key)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])")) return;
    box.focus();
    box.select();
  }, true);
})();
