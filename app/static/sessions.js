// The end of a session: a warning before its idle time is out, and what was typed kept for who logs in again.
(function () {
  "use strict";
  const $ = (selector, from) => (from || document).querySelector(selector);
  const $$ = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const user = document.body.dataset.user, LOST = "typed-lost", PREFIX = "typed|", OLDEST = 3600e3;
  const keptKeys = () => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
  const myKey = PREFIX + user + "|" + location.pathname;

  // On the log-in page: what was sent did not arrive.
  if (!user) {
    if (keptKeys().length) sessionStorage.setItem(LOST, "yes");
    return;
  }

  // ---- what was typed: never passwords, codes, files or hidden fields; only for the same user on the same page
  const postForms = () => $$("form").filter((form) => form.method === "post" && !("signOut" in form.dataset));
  const isBox = (field) => field.type === "checkbox" || field.type === "radio";
  const fieldsOf = (form) => Array.from(form.elements).filter((field) => field.name && field.autocomplete !== "one-time-code" &&
    !["hidden", "password", "file", "submit", "button", "reset", "fieldset", "output"].includes(field.type));
  const typed = (field) => isBox(field) ? field.checked : field.multiple ? Array.from(field.selectedOptions, (option) => option.value) : field.value;
  const sameName = (form) => postForms().filter((other) => other.action === form.action).indexOf(form);

  function keep(forms) {
    const values = forms.map((form) => ({
      action: form.action, place: sameName(form),
      fields: fieldsOf(form).map((field) => [field.name, isBox(field) ? field.value : null, typed(field)]),
    })).filter((kept) => kept.fields.length);
    if (values.length) sessionStorage.setItem(myKey, JSON.stringify({ at: Date.now(), forms: values }));
  }
  function fill(field, value) {
    if (isBox(field)) field.checked = value;
    else if (field.multiple) Array.from(field.options).forEach((option) => { option.selected = value.includes(option.value); });
    else field.value = value;
    if (field.matches("[data-autosubmit]")) return;
    ["input", "change", "combo"].forEach((name) => field.dispatchEvent(new Event(name, { bubbles: name !== "combo" })));
  }
  function giveBack(kept) {
    const form = postForms().filter((other) => other.action === kept.action)[kept.place];
    if (!form) return;
    const used = new Set();
    let changed = false;
    kept.fields.forEach(([name, choice, value]) => {
      const field = fieldsOf(form).find((other) => other.name === name && !used.has(other) && (choice === null || other.value === choice));
      if (!field) return;
      used.add(field);
      if (JSON.stringify(typed(field)) === JSON.stringify(value)) return;
      fill(field, value);
      changed = true;
    });
    if (changed) tell(form);
  }
  function tell(form) {
    for (let part = form.parentElement; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    const note = document.createElement("div");
    note.className = "alert alert-info";
    note.setAttribute("role", "status");
    note.textContent = $("#words").dataset.restored;
    form.prepend(note);
  }

  // What another user typed in this window, drafts of forms.js included, is left to nobody.
  const others = (key) => /^(typed|keep)\|/.test(key) && key.split("|")[1] !== user;
  Object.keys(sessionStorage).filter(others).forEach((key) => sessionStorage.removeItem(key));
  if (sessionStorage.getItem(LOST)) {
    const kept = JSON.parse(sessionStorage.getItem(myKey) || "null");
    if (kept) {
      sessionStorage.removeItem(myKey);
      sessionStorage.removeItem(LOST);
      if (Date.now() - kept.at < OLDEST) kept.forms.forEach(giveBack);
    } else if (!keptKeys().length) sessionStorage.removeItem(LOST);
  } else keptKeys().forEach((key) => sessionStorage.removeItem(key));
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && postForms().includes(event.target)) keep([event.target]);
  });

  // ---- the warning; a page opened in another window counts as work
  const dialog = $("#session-dialog");
  if (!dialog) return;
  const idle = Number(dialog.dataset.idle) * 1000, end = Date.now() + Number(dialog.dataset.ends) * 1000;
  const warning = Math.min(120e3, idle / 4);
  let seen = Date.now(), over = false;
  const note = () => { seen = Date.now(); try { localStorage.setItem("seen-at", String(seen)); } catch (error) { /* not shared */ } };
  const lastSeen = () => { try { return Math.max(seen, Number(localStorage.getItem("seen-at"))); } catch (error) { return seen; } };
  function show(part) {
    $$("[data-part]", dialog).forEach((each) => { each.hidden = !each.dataset.part.split(" ").includes(part); });
    if (!dialog.open) dialog.showModal();
  }
  function finish() {
    if (over) return;
    over = true;
    keep(postForms());
    show("over");
  }
  function look() {
    if (over) return;
    const left = idle - (Date.now() - lastSeen()), last = end - Date.now();
    if (left <= 0 || last <= 0) finish();
    else if (last <= warning) { if (!dialog.dataset.told) { dialog.dataset.told = "yes"; show("last"); } }
    else if (left <= warning) show("idle");
    else if (dialog.open) dialog.close();
  }
  $("[data-go-on]", dialog).addEventListener("click", async () => {
    try {
      const answer = await fetch(dialog.dataset.alive, { redirect: "manual" });
      if (answer.status === 204) { note(); dialog.close(); } else finish();
    } catch (error) { /* the server is away: the next press may reach it */ }
  });
  $("[data-sign-in]", dialog).addEventListener("click", (event) => {
    event.preventDefault();
    location.assign(event.currentTarget.href + "?next=" + encodeURIComponent(location.pathname + location.search));
  });
  dialog.addEventListener("cancel", (event) => { if (over) event.preventDefault(); });
  note();
  setInterval(look, 2000);
})();
