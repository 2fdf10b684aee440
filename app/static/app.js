// The frame's behaviour: menu, theme, dialogs, keyboard, rows, tabs, images. Forms are in forms.js.
(function () {
  "use strict";
  const root = document.documentElement;
  const $ = (selector, from) => (from || document).querySelector(selector);
  const $$ = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const on = (name, selector, act) => document.addEventListener(name, (event) => {
    const hit = event.target.closest && event.target.closest(selector);
    if (hit) act(hit, event);
  });
  const store = {
    get(key) { try { return localStorage.getItem(key); } catch (error) { return null; } },
    set(key, value) { try { localStorage.setItem(key, value); } catch (error) { /* private window: not remembered */ } },
  };

  // ---- theme
  function showTheme() {
    $$("[data-theme-choice]:not(html)").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.themeChoice)));
  }
  on("click", "button[data-theme-choice]", (button) => {
    store.set("theme", button.dataset.themeChoice);
    document.dispatchEvent(new Event("themechange"));
    showTheme();
  });

  // ---- menu
  const toggle = $("#menu-toggle"), sidebar = $("#sidebar"), narrow = matchMedia("(max-width: 61.99rem)");
  const menuShown = () => narrow.matches ? root.classList.contains("menu-open") : !root.classList.contains("menu-hidden");
  function showMenu(show) {
    if (narrow.matches) root.classList.toggle("menu-open", show);
    else { root.classList.toggle("menu-hidden", !show); store.set("menu", show ? "shown" : "hidden"); }
    markMenu();
    if (narrow.matches && show) { sidebar.scrollTop = 0; $("a, summary", sidebar).focus({ preventScroll: true }); }
  }
  function markMenu() {
    toggle.setAttribute("aria-expanded", String(menuShown()));
    $("#main").inert = narrow.matches && root.classList.contains("menu-open");
  }
  function rememberGroups() {
    const closed = $$(".menu-group").filter((group) => !group.open).map((group) => group.dataset.group);
    store.set("menu-closed", JSON.stringify(closed));
  }
  function filterMenu(text) {
    const wanted = plain(text);
    let first = null;
    $$(".menu-group").forEach((group) => {
      let any = false;
      $$("li", group).forEach((item) => {
        const number = $(".menu-number", item);
        const hit = !wanted || plain(item.textContent).includes(wanted) || (number && number.textContent === wanted);
        item.hidden = !hit;
        if (!hit) return;
        any = true;
        const exact = number && number.textContent === wanted;
        if (wanted && (!first || exact)) first = $("a", item);
      });
      group.hidden = !any;
      if (wanted) group.open = any; else group.open = group.dataset.wasOpen === "yes";
    });
    $(".menu-none").hidden = !wanted || Boolean(first);
    return first;
  }
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").trim().toLowerCase();
  if (sidebar) {
    const closed = JSON.parse(store.get("menu-closed") || "null");
    $$(".menu-group").forEach((group) => {
      if (closed) group.open = "here" in group.dataset || !closed.includes(group.dataset.group);
      group.dataset.wasOpen = group.open ? "yes" : "no";
      $("summary", group).addEventListener("click", () => setTimeout(() => {
        group.dataset.wasOpen = group.open ? "yes" : "no";
        rememberGroups();
      }));
    });
    toggle.addEventListener("click", () => showMenu(!menuShown()));
    narrow.addEventListener("change", () => { root.classList.remove("menu-open"); markMenu(); });
    on("click", "[data-menu-close]", () => showMenu(false));
    markMenu();
    const filter = $("#menu-filter");
    let target = null;
    filter.addEventListener("input", () => { target = filterMenu(filter.value); });
    filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && target) location.href = target.href;
      if (event.key === "Escape") { filter.value = ""; filterMenu(""); filter.blur(); }
    });
    const current = $("[aria-current]", sidebar);
    if (current && current.offsetTop > sidebar.clientHeight - 80) sidebar.scrollTop = current.offsetTop - sidebar.clientHeight / 2;
  }

  // ---- dialogs and images
  on("click", "[data-dialog]", (button) => document.getElementById(button.dataset.dialog).showModal());
  on("click", "[data-zoom]", (button) => {
    const image = $("#zoom-dialog img");
    image.src = button.dataset.zoom;
    image.alt = $("img", button) ? $("img", button).alt : "";
    $("#zoom-dialog").showModal();
  });
  $$("dialog").forEach((dialog) => dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close("cancel");
  }));
  on("click", ".zoom-image img", () => $("#zoom-dialog").close());

  // ---- a decision that is opened: its first field takes the focus
  on("click", "details.act > summary, details.refuse > summary", (summary) => setTimeout(() => {
    const field = summary.parentNode.open && $$("input:not([type=hidden]), select, textarea", summary.parentNode).find((each) => each.offsetParent);
    if (field) field.focus();
  }));

  // ---- rows: j and k walk, Enter opens because the row's link has the focus; a click on a row's empty part opens it too
  const rowLink = (row) => $("a[href], button", row);
  function walk(step) {
    const rows = $$("[data-rows] tbody tr").filter((row) => rowLink(row) && row.offsetParent);
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement.closest("tr"));
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))];
    rowLink(next).focus();
    next.scrollIntoView({ block: "nearest" });
  }
  on("dblclick", "[data-rows] tbody tr", (row, event) => {
    const link = $("a[href]", row);
    if (link && !event.target.closest("a, button, input, label")) link.click();
  });

  // ---- tabs
  function select(tab, focus) {
    $$('[role="tab"]', tab.parentNode).forEach((other) => {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    });
    if (focus) tab.focus();
  }
  $$("[data-tabs]").forEach((tabs) => {
    const wanted = location.hash && document.getElementById(location.hash.slice(1) + "-tab");
    select(wanted && tabs.contains(wanted) ? wanted : $('[role="tab"]', tabs));
  });
  on("click", '[role="tab"]', (tab) => {
    select(tab);
    history.replaceState(null, "", "#" + tab.getAttribute("aria-controls"));
  });
  on("keydown", '[role="tab"]', (tab, event) => {
    const all = $$('[role="tab"]', tab.parentNode), at = all.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(all[(to + all.length) % all.length], true);
  });

  // ---- the box that finds: a reader ends each line of a machine-readable zone with Enter; the second follows at once
  const FIRST_LINE = /^\s*P[A-Z<;][A-Z<;]{42}\s*$/i, NEXT_LINE_MS = 400;
  const box = $("[data-find] input[name=q]");
  if (box) {
    let waiting = null;
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      clearTimeout(waiting);
      if (!FIRST_LINE.test(box.value)) return;
      event.preventDefault();
      waiting = setTimeout(() => { if (FIRST_LINE.test(box.value)) box.form.requestSubmit(); }, NEXT_LINE_MS);
    });
  }

  // ---- single keys, which each person may turn off (WCAG 2.1.4)
  const keysBox = $("[data-keys-on]");
  if (keysBox) {
    keysBox.checked = store.get("keys") !== "off";
    keysBox.addEventListener("change", () => store.set("keys", keysBox.checked ? "on" : "off"));
  }
  function focusField(selector) {
    const field = $(selector);
    if (!field) return false;
    field.focus();
    if (field.select) field.select();
    return true;
  }
  const keys = {
    "/": () => focusField("#find"),
    m: () => { if (!sidebar) return false; if (!menuShown()) showMenu(true); return focusField("#menu-filter"); },
    j: () => walk(1), k: () => walk(-1),
    b: () => toggle && showMenu(!menuShown()),
    s: () => { const filters = $("details.filters"); if (!filters) return false; filters.open = !filters.open; return !filters.open || focusField("details.filters input:not([type=hidden]), details.filters select"); },
    "?": () => { const help = $("#help-dialog"); if (help) help.showModal(); },
  };
  const typing = (element) => element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=submit]):not([type=button])");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) {
      if (root.classList.contains("menu-open")) { showMenu(false); toggle.focus(); }
      else if (typing(event.target) && !$("dialog[open]")) event.target.blur();
      return;
    }
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (typing(event.target) || $("dialog[open]") || store.get("keys") === "off") return;
    if (act() !== false) event.preventDefault();
  });
  $$("[data-focus]").forEach((element) => element.focus());
  showTheme();
})();
