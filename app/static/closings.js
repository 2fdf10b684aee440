// Counting: what is scanned waits its turn to be sent while the field stays free; the figures follow when it is quiet.
(function () {
  "use strict";
  const form = document.querySelector("[data-count]");
  if (!form) return;
  const field = form.elements.numbers, told = document.querySelector("[data-told]"), waiting = [];
  const quiet = 500, remembered = 12;
  let sending = false, timer = 0, refreshed = 0;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const text = field.value.trim();
    field.value = "";
    field.focus();
    if (text) waiting.push(text);
    send();
  });

  async function send() {
    if (sending) return;
    sending = true;
    clearTimeout(timer);
    while (waiting.length) {
      const answer = await post(waiting[0]);
      if (!answer) break;
      const text = waiting.shift();
      tell(answer.kind, answer.text);
      // What was refused comes back to be corrected, unless the reader is further on: then it is told.
      if (answer.kind === "danger" && !field.value) { field.value = text; field.select(); }
      else if (answer.kind === "danger") tell("danger", text.slice(0, 200));
    }
    sending = false;
    if (waiting.length) {
      field.value = [...waiting.splice(0), field.value].join("\n").trim();
      return tell("danger", form.dataset.failed);
    }
    timer = setTimeout(refresh, quiet);
  }

  async function post(text) {
    const body = new FormData(form);
    body.set("numbers", text);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      return (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : null;
    } catch { return null; }
  }

  function tell(kind, text) {
    const line = document.createElement("li");
    line.className = "mark text-wrap mark-" + kind;
    line.textContent = text;
    told.prepend(line);
    while (told.children.length > remembered) told.lastChild.remove();
  }

  // The page as it is now: its figures, and the version that the other forms carry.
  async function refresh() {
    const turn = ++refreshed;
    try {
      const answer = await fetch(form.dataset.count, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const live = page.getElementById("live"), version = page.querySelector('input[name="version"]');
      if (turn !== refreshed || sending || !answer.ok || !live || !version) return;
      document.getElementById("live").replaceWith(document.adoptNode(live));
      document.querySelectorAll('input[name="version"]').forEach((each) => { each.value = version.value; });
    } catch { /* The next count tries again. */ }
  }
})();
