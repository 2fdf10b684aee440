// Receiving a transfer: what the reader types is collected in the form, one number a line, and told if it is expected.
(function () {
  "use strict";
  const box = document.querySelector("[data-collect]");
  if (!box) return;
  const form = box.form, said = form.querySelector("[data-collected]"), words = {};
  form.querySelectorAll("[data-word]").forEach((word) => { words[word.dataset.word] = word.textContent; });
  const runs = box.dataset.runs ? JSON.parse(box.dataset.runs) : null;
  const fields = [form.elements.numbers, form.elements.damaged];
  const entries = (field) => field.value.toUpperCase().split(/[\s,;]+/).filter(Boolean);
  const expected = (number) => runs.some(([prefix, first, quantity]) =>
    prefix === number[0] && first <= Number(number.slice(1)) && Number(number.slice(1)) < first + quantity);

  function tell(number, word, wrong) {
    const count = fields.reduce((sum, field) => sum + entries(field).length, 0);
    said.textContent = `${number} ${words[word]} · ${count} ${words.collected}`;
    said.classList.toggle("text-danger", Boolean(wrong));
  }
  function collect(text) {
    if (/^T[0-9]+[^0-9A-Z]/.test(text)) { location.search = "?manifest=" + encodeURIComponent(text); return; }
    if (!/^[FSD][0-9]{7}$/.test(text)) return tell(text, "unknown", true);
    if (fields.some((field) => entries(field).includes(text))) return tell(text, "twice", true);
    const field = form.elements[form.elements.into.value] || fields[0];
    field.value = (field.value.trimEnd() + "\n" + text).trimStart();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (!runs) tell(text, "added"); else if (expected(text)) tell(text, "good"); else tell(text, "surplus", true);
  }
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const text = box.value.trim().toUpperCase();
    box.value = "";
    if (text) collect(text);
  });
})();
