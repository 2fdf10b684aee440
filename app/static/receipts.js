// A line of a receipt: the prefix follows the type, and the range is shown while it is typed.
(function () {
  "use strict";
  const form = document.querySelector("[data-range]");
  if (!form) return;
  const { category, prefix, first, quantity } = form.elements;
  const shown = form.querySelector("[data-range-shown]");
  const digits = (field) => /^[0-9]+$/.test(field.value.trim()) ? Number(field.value.trim()) : NaN;
  function show() {
    const from = digits(first), count = digits(quantity), last = from + count - 1;
    const name = (serial) => prefix.value.trim().toUpperCase() + String(serial).padStart(7, "0");
    if (Number.isNaN(last) || !count) shown.textContent = "";
    else if (last > 9999999) shown.textContent = shown.dataset.rangeWrong;
    else shown.textContent = name(from) + "–" + name(last);
  }
  category.addEventListener("change", () => { prefix.value = category.selectedOptions[0].dataset.prefix; show(); });
  form.addEventListener("input", show);
  show();
})();
