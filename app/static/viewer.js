// The viewer: zoom, move and turn, in step on both sides. Without scripts the pictures fit their frames.
(function () {
  "use strict";
  const viewer = document.querySelector("[data-viewer]");
  if (!viewer) return;
  const frames = Array.from(viewer.querySelectorAll("[data-frame]"));
  const STEP = 1.25, LARGEST = 16;
  // Zoom is relative to the whole picture in its frame; x and y are how far its middle is from the frame's, in frames.
  const state = { zoom: 1, x: 0, y: 0, turns: 0 };
  const imageOf = (frame) => frame.querySelector("img");

  /** Pixels of the screen for one of the picture when it is whole in its frame, upright (0) or lying (1). */
  function fit(frame, lying) {
    const { naturalWidth: width, naturalHeight: height } = imageOf(frame);
    const [across, down] = lying ? [height, width] : [width, height];
    return Math.min(frame.clientWidth / across, frame.clientHeight / down);
  }
  function spare(frame) {
    const image = imageOf(frame), scale = fit(frame, state.turns % 2) * state.zoom;
    const [across, down] = state.turns % 2 ? [image.naturalHeight, image.naturalWidth] : [image.naturalWidth, image.naturalHeight];
    return [Math.max(0, (across * scale / frame.clientWidth - 1) / 2), Math.max(0, (down * scale / frame.clientHeight - 1) / 2)];
  }
  const ready = () => frames.filter((frame) => imageOf(frame).naturalWidth > 0);
  const held = (value, most) => Math.min(most, Math.max(-most, value));

  function draw() {
    const seen = ready();
    if (!seen.length) return;
    state.x = held(state.x, Math.max(...seen.map((frame) => spare(frame)[0])));
    state.y = held(state.y, Math.max(...seen.map((frame) => spare(frame)[1])));
    seen.forEach((frame) => {
      const scale = state.zoom * fit(frame, state.turns % 2) / fit(frame, 0);
      imageOf(frame).style.transform = `translate(${state.x * frame.clientWidth}px, ${state.y * frame.clientHeight}px) rotate(${state.turns * 90}deg) scale(${scale})`;
      frame.toggleAttribute("data-large", spare(frame).some((part) => part > 0));
    });
    viewer.querySelector("[data-scale]").textContent = `${Math.round(fit(seen[0], state.turns % 2) * state.zoom * 100)} %`;
  }
  /** Zoom to `zoom`; the place (x, y) of the frame, from its middle in frames, stays where it is. */
  function zoomTo(zoom, x = 0, y = 0) {
    const smallest = Math.min(1, 1 / Math.max(1e-6, ...ready().map((frame) => fit(frame, state.turns % 2))));
    const next = Math.min(LARGEST, Math.max(smallest, zoom)), by = next / state.zoom;
    state.x = x - (x - state.x) * by;
    state.y = y - (y - state.y) * by;
    state.zoom = next;
    draw();
  }
  const acts = {
    in: () => zoomTo(state.zoom * STEP),
    out: () => zoomTo(state.zoom / STEP),
    fit: () => { state.x = state.y = 0; zoomTo(1); },
    actual: () => { const seen = ready(); if (seen.length) zoomTo(1 / fit(seen[0], state.turns % 2)); },
    left: () => { state.turns = (state.turns + 3) % 4; draw(); },
    right: () => { state.turns = (state.turns + 1) % 4; draw(); },
  };
  /** Move what does not fit; false when everything is in sight. */
  function move(x, y) {
    const room = ready().map(spare);
    if (!room.some(([across, down]) => (x && across > 0) || (y && down > 0))) return false;
    state.x += x;
    state.y += y;
    draw();
    return true;
  }
  function step(by) {
    const link = viewer.querySelector(`[data-step="${by}"]`);
    if (link) location.replace(link.href);
  }
  const keys = {
    "+": acts.in, "=": acts.in, "-": acts.out, "−": acts.out, 0: acts.fit, 1: acts.actual, r: acts.right,
    ArrowLeft: () => move(0.1, 0) || step(-1), ArrowRight: () => move(-0.1, 0) || step(1),
    ArrowUp: () => move(0, 0.1), ArrowDown: () => move(0, -0.1),
    PageUp: () => step(-1), PageDown: () => step(1),
  };
  const off = () => { try { return localStorage.getItem("keys") === "off"; } catch (error) { return false; } };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key], focus = event.target;
    if (!act || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (focus.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    if (off() && !focus.closest("[data-frame]")) return;
    if (act() !== false) event.preventDefault();
  });
  viewer.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) acts[button.dataset.act]();
  });

  const place = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
  };
  frames.forEach((frame) => {
    frame.dataset.ready = "";
    frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomTo(state.zoom * Math.exp(-Math.sign(event.deltaY) * 0.2), ...place(frame, event));
    }, { passive: false });
    frame.addEventListener("dblclick", (event) => {
      if (state.zoom > 1.01) acts.fit(); else zoomTo(state.zoom * 2.5, ...place(frame, event));
    });
    frame.addEventListener("pointerdown", (event) => {
      if (event.button || !frame.hasAttribute("data-large")) return;
      frame.setPointerCapture(event.pointerId);
      frame.dataset.moving = "";
    });
    frame.addEventListener("pointermove", (event) => {
      if ("moving" in frame.dataset) move(event.movementX / frame.clientWidth, event.movementY / frame.clientHeight);
    });
    ["pointerup", "pointercancel"].forEach((name) => frame.addEventListener(name, () => { delete frame.dataset.moving; }));
    imageOf(frame).addEventListener("load", draw);
  });
  viewer.querySelectorAll("[data-viewer-tools]").forEach((part) => { part.hidden = !frames.length; });
  addEventListener("resize", draw);
  draw();
})();
