// Chooses the colours and the menu's width before the first paint: loaded blocking, so it must stay tiny.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function stored(key) {
    try { return localStorage.getItem(key); } catch (error) { return null; }
  }
  function apply() {
    var choice = stored("theme") || "auto";
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  }
  root.classList.add("js");
  root.classList.toggle("menu-hidden", stored("menu") === "hidden");
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("themechange", apply);
})();
