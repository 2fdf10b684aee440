// What forms do: ask before acting, send once, take the reader's scans, keep drafts, filter long choices.
(function () {
  "use strict";
  const $ = (selector, from) => (from || document).querySelector(selector);
  const $$ = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const words = document.getElementById("words").dataset;
  const make = (name, attributes, text) => {
    const element = document.createElement(name);
    Object.entries(attributes || {}).forEach(([key, value]) => element.setAttribute(key, value));
    if (text) element.textContent = text;
    return element;
  };

  // ---- confirmation: the form or its pressed button carries the question
  const dialog = $("#confirm-dialog"), accept = $("#confirm-accept");
  let waiting = null;
  function ask(question, label, kind, then) {
    $("#confirm-text").textContent = question;
    accept.textContent = label || accept.dataset.default;
    accept.className = "btn btn-" + (kind === "danger" ? "danger" : "primary");
    waiting = then;
    dialog.returnValue = "";
    dialog.showModal();
    (kind === "danger" ? $('[value="cancel"]', dialog) : accept).focus();
  }
  dialog.addEventListener("close", () => {
    const then = waiting;
    waiting = null;
    if (dialog.returnValue === "accept" && then) then();
  });

  // ---- submitting: rows marked, confirmed, empty filters left out, once
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (form.method === "dialog") return;
    if (form.hasAttribute("data-bulk") && button && button.name === "action" && !$$('[name="rowid"]:checked', form).length) {
      event.preventDefault();
      return ask(words.noneSelected, null, null, null);
    }
    const asker = button && button.dataset.confirm ? button : form;
    if (asker.dataset.confirm && !form.dataset.agreed) {
      event.preventDefault();
      return ask(asker.dataset.confirm, asker.dataset.confirmLabel, asker.dataset.confirmKind, () => {
        form.dataset.agreed = "yes";
        form.requestSubmit(button && button.form === form ? button : null);
      });
    }
    delete form.dataset.agreed;
    if (form.method === "get") return skipEmpty(form);
    if ("signOut" in form.dataset) sessionStorage.clear();
    if ("repeatable" in form.dataset || form.target) return;
    if (form.dataset.busy) return event.preventDefault();
    busy(form, button);
  });
  function busy(form, button) {
    form.dataset.busy = "yes";
    setTimeout(() => $$("button[type=submit], button:not([type])", form).forEach((each) => {
      each.setAttribute("aria-disabled", "true");
      if (each === button) each.setAttribute("aria-busy", "true");
    }));
  }
  function skipEmpty(form) {
    if (!form.hasAttribute("data-skip-empty")) return;
    const empty = $$("input, select", form).filter((field) => field.name && !field.value && !field.disabled);
    empty.forEach((field) => { field.disabled = true; });
    setTimeout(() => empty.forEach((field) => { field.disabled = false; }), 500);
  }
  window.addEventListener("pageshow", () => $$("form[data-busy]").forEach((form) => {
    delete form.dataset.busy;
    $$("button", form).forEach((button) => { button.removeAttribute("aria-disabled"); button.removeAttribute("aria-busy"); });
  }));
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.matches("[data-autosubmit]")) field.form.requestSubmit();
    if (field.matches("[data-operator]")) $$("[data-filter-value]", field.closest(".filter-item")).forEach((value) => { value.name = field.value; });
    if (field.matches("[data-check-all]")) $$('[name="rowid"]', field.form || field.closest("form")).forEach((box) => { box.checked = field.checked; });
  });
  document.addEventListener("click", (event) => {
    const show = event.target.closest(".password-show");
    if (!show) return;
    const field = document.getElementById(show.getAttribute("aria-controls"));
    field.type = field.type === "password" ? "text" : "password";
    show.setAttribute("aria-pressed", String(field.type === "text"));
  });

  // ---- the reader: it types and presses Enter
  const scans = $$("[data-scan], [data-scan-lines]");
  scans.forEach((field) => {
    field.addEventListener("focus", () => field.select());
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      const lines = Number(field.dataset.scanLines || 1);
      if (lines > 1 && field.value.split("\n").filter((line) => line.trim()).length < lines) return;
      event.preventDefault();
      const rest = scans.slice(scans.indexOf(field) + 1).find((other) => other.form === field.form && !other.value.trim());
      if (rest) rest.focus(); else if (field.form) field.form.requestSubmit();
    });
  });
  // A field that had the focus before this script ran: what the reader types next replaces what was refused.
  if (scans.includes(document.activeElement)) document.activeElement.select();
  const first = scans.find((field) => !field.value && field.offsetParent && !field.disabled);
  if (first && (document.activeElement === document.body || document.activeElement === null)) first.focus({ preventScroll: true });

  // ---- drafts
  const keepKey = (form) => ["keep", document.body.dataset.user, location.pathname, form.dataset.keep].join("|");
  const keepable = (form) => Array.from(form.elements).filter((field) =>
    field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type) && field.name !== "csrf_token");
  const isBox = (field) => field.type === "checkbox" || field.type === "radio";
  function saveDraft(form) {
    const values = keepable(form).map((field) => isBox(field) ? [field.name, field.value, field.checked] : [field.name, field.value]);
    sessionStorage.setItem(keepKey(form), JSON.stringify(values));
  }
  function restoreDraft(form) {
    const kept = JSON.parse(sessionStorage.getItem(keepKey(form)) || "[]");
    let changed = false;
    const fields = keepable(form);
    kept.forEach(([name, value, checked]) => fields.filter((field) => field.name === name).forEach((field) => {
      if (isBox(field)) { if (field.value === value && field.checked !== checked) { field.checked = checked; changed = true; } }
      else if (field.value !== value && value && field.value === (field.defaultValue || "")) { field.value = value; changed = changed || field.value === value; }
    }));
    if (changed) tellRestored(form);
  }
  function tellRestored(form) {
    const note = make("div", { class: "alert alert-info", role: "status" });
    const discard = make("button", { type: "button", class: "btn btn-outline-secondary btn-sm" }, words.discard);
    discard.addEventListener("click", () => { sessionStorage.removeItem(keepKey(form)); form.reset(); $$("select", form).forEach((each) => each.dispatchEvent(new Event("combo"))); note.remove(); });
    note.append(make("div", {}, words.restored), discard);
    form.prepend(note);
  }
  const kept = $$("form[data-keep]"), sent = sessionStorage.getItem("keep-sent");
  if (sent && document.body.dataset.user && !$(".fault") && !kept.some((form) => keepKey(form) === sent)) {
    sessionStorage.removeItem(sent);
    sessionStorage.removeItem("keep-sent");
  }
  kept.forEach((form) => {
    restoreDraft(form);
    let timer = 0;
    const later = () => { clearTimeout(timer); timer = setTimeout(saveDraft, 300, form); };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("submit", () => { clearTimeout(timer); saveDraft(form); sessionStorage.setItem("keep-sent", keepKey(form)); });
  });

  // ---- long check lists: one types to narrow them
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").trim().toLowerCase();
  $$("[data-narrow]").forEach((box) => box.addEventListener("input", () => {
    const list = document.getElementById(box.dataset.narrow), wanted = plain(box.value);
    $$(".check", list).forEach((item) => {
      const set = item.closest("fieldset.permission-set");
      item.hidden = Boolean(wanted) && !plain(item.textContent + (set ? $("legend", set).textContent : "")).includes(wanted);
    });
    $$("fieldset.permission-set", list).forEach((set) => { set.hidden = !$(".check:not([hidden])", set); });
  }));

  // ---- combobox over a <select> (WAI-ARIA list autocomplete); the select stays the form's field
  function combobox(select, number) {
    const id = select.id || "combo-" + number, label = $('label[for="' + id + '"]');
    const box = make("div", { class: "combo" });
    const input = make("input", { type: "text", role: "combobox", class: "form-control", id: id + "-combo", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id + "-list" });
    const list = make("ul", { class: "combo-list", role: "listbox", id: id + "-list", hidden: "" });
    list.setAttribute("aria-label", label ? label.textContent : select.getAttribute("aria-label") || words.choose);
    ["aria-describedby", "aria-invalid", "aria-label"].forEach((name) => { if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name)); });
    if (select.required) { input.required = true; select.required = false; }
    if (label) label.htmlFor = input.id;
    const mark = make("span", { "aria-hidden": "true", class: "icon" }, "▾");
    select.hidden = true;
    select.after(box);
    box.append(input, mark, list);
    let at = -1, shown = [];
    const chosen = () => (select.selectedOptions[0] ? select.selectedOptions[0].textContent.trim() : "");
    const show = () => { input.value = chosen(); };
    const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); at = -1; };
    function pick(option) {
      select.value = option.value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
      show();
      close();
    }
    function point(to) {
      at = shown.length ? (to + shown.length) % shown.length : -1;
      Array.from(list.children).forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
      if (at < 0) return;
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    }
    function open(text) {
      const wanted = plain(text);
      const all = Array.from(select.options).filter((option) => option.textContent.trim() || option.value);
      const starts = all.filter((option) => plain(option.textContent).startsWith(wanted));
      shown = (wanted ? starts.concat(all.filter((option) => !starts.includes(option) && plain(option.textContent).includes(wanted))) : all).slice(0, 100);
      list.replaceChildren(...shown.map((option, index) => {
        const item = make("li", { role: "option", id: id + "-option-" + index, "aria-selected": "false" }, option.textContent.trim());
        item.addEventListener("mousedown", (event) => { event.preventDefault(); pick(option); });
        return item;
      }));
      if (!shown.length) list.append(make("li", { class: "combo-none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, words.noMatch));
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      point(wanted && shown.length ? 0 : shown.findIndex((option) => option.selected));
    }
    input.addEventListener("input", () => { if (!input.value && select.options[0] && !select.options[0].value) select.value = ""; open(input.value); });
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => { if (list.hidden) open(""); });
    input.addEventListener("blur", () => { if (input.value.trim() || !select.options[0] || select.options[0].value) show(); else select.value = ""; close(); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) open(""); else point(at + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter" && !list.hidden) {
        event.preventDefault();
        if (shown[at]) pick(shown[at]);
      } else if (event.key === "Tab" && !list.hidden && input.value !== chosen() && shown[at]) pick(shown[at]);
      else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); show(); }
    });
    select.addEventListener("combo", show);
    show();
  }
  $$("select").filter((select) => !select.multiple && !("plain" in select.dataset) && ("filter" in select.dataset || select.options.length > 15))
    .forEach(combobox);
})();
