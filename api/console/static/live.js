// The strip moves on while nothing happens that the page would show; after that it stands and says what is new.
// Nothing else on the page moves. Closed while the page is hidden; says since when it is dead.
const box = document.querySelector("[data-live]");
const SILENT = 40_000;
const AGAIN = 30_000;

if (box && window.EventSource) {
  const words = box.dataset;
  const part = (name) => document.querySelector(`[data-strip=${name}]`);
  let after = words.after;
  let source = null;
  let opened = 0;
  let heard = Date.now();
  let count = 0;
  let reset = false;
  let shown = "";

  const show = () => {
    const dead = Date.now() - heard > SILENT;
    const clock = new Date(heard).toTimeString().slice(0, 5);
    const news = reset ? words.reset : count === 1 ? words.one : count ? words.many.replace("#", count) : "";
    const since = dead ? words.dead.replace("#", clock) : "";
    if (shown === news + since) return;
    shown = news + since;
    box.replaceChildren();
    if (news) {
      const link = document.createElement("a");
      link.href = location.pathname + location.search;
      link.textContent = words.refresh;
      box.append(`${news}, `, link);
    }
    if (since) box.append(news ? ` · ${since}` : since);
  };

  const move = (block) => {
    part("number").textContent = block.number.toLocaleString("en-US");
    part("time").textContent = `${block.at.slice(0, 10)} ${block.at.slice(11, 16)} ${block.at.slice(-6)}`;
    part("final").textContent = block.final ? words.final : words.open;
    for (const name of ["seal", "lag"]) if (part(name)) part(name).hidden = true;
  };

  const close = () => {
    if (source) source.close();
    source = null;
  };

  const open = () => {
    close();
    opened = Date.now();
    source = new EventSource(`/v1/live?after=${after}`);
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        heard = Date.now();
        if (event.lastEventId) after = event.lastEventId;
        act(JSON.parse(event.data));
        show();
      });
    on("beat", () => {});
    on("news", () => (count += 1));
    on("reset", () => (reset = true));
    on("block", (block) => {
      if (!count && !reset && block.number !== Number(words.after.split("-")[0])) move(block);
    });
  };

  const look = () => {
    if (document.hidden) return;
    show();
    const lost = !source || source.readyState === EventSource.CLOSED || Date.now() - heard > SILENT;
    if (lost && Date.now() - opened > AGAIN) open();
  };

  const turn = () => {
    if (document.hidden) return close();
    heard = Date.now();
    open();
  };

  document.addEventListener("visibilitychange", turn);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && turn());
  setInterval(look, 5_000);
  if (!document.hidden) open();
}
