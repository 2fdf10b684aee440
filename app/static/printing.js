// The data page that was just sent: the browser's print dialog opens by itself, once.
(function () {
  "use strict";
  const page = document.querySelector("iframe[data-print]");
  if (!page) return;
  const address = new URL(location.href);
  address.searchParams.delete("sent");
  history.replaceState(null, "", address);
  page.addEventListener("load", () => {
    // Browsers that show PDF files in a program of their own refuse this; the page has a link for them.
    try { page.contentWindow.print(); } catch (error) { /* printed from the viewer */ }
  }, { once: true });
})();
