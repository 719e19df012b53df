// The one stream of a tab: says where the marts stand. It is closed while the tab is hidden, and comes back by itself.

const SILENT_MS = 40_000;
const RETRY_MS = 3_000;

/** Call `onStand` with each stand, and `onCut` with since when the stream is cut off: epoch seconds, or null. */
export function follow(onStand, onCut) {
  let source = null;
  let watchdog = 0;
  let cutSince = null;

  function heard() {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, SILENT_MS);
    if (cutSince !== null) onCut((cutSince = null));
  }

  function lost() {
    cutSince ??= Date.now() / 1000;
    onCut(cutSince);
    close();
    watchdog = setTimeout(open, RETRY_MS);
  }

  function open() {
    close();
    source = new EventSource("/events");
    watchdog = setTimeout(lost, SILENT_MS);
    source.addEventListener("stand", (event) => {
      heard();
      onStand(JSON.parse(event.data));
    });
    source.addEventListener("beat", heard);
    source.addEventListener("error", lost);
  }

  function close() {
    clearTimeout(watchdog);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  if (!document.hidden) open();
}
