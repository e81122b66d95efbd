(() => {
  const units = [[120, 1, "minute"], [2880, 60, "hour"], [86400, 1440, "day"], [1051200, 43800, "month"], [Infinity, 525600, "year"]];
  const age = (minutes) => {
    const [, size, unit] = units.find(([below]) => minutes < below);
    const count = Math.floor(minutes / size);
    return minutes < 1 ? "moments" : `${count} ${unit}${count === 1 ? "" : "s"}`;
  };
  const tell = () => {
    for (const time of document.querySelectorAll("time[data-age]")) {
      const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60000);
      if (minutes < 0) continue;
      time.title ||= time.textContent;
      time.textContent = `${age(minutes)} ago`;
    }
    const stale = document.querySelector("[data-due]");
    if (stale && Date.now() > Date.parse(stale.dataset.due)) {
      stale.hidden = false;
      document.body.classList.add("stale");
    }
  };
  const open = () => {
    const card = document.getElementById(location.hash.slice(1))?.closest("details");
    if (card) card.open = true;
  };
  addEventListener("hashchange", open);
  addEventListener("pageshow", () => { tell(); open(); });
  setInterval(tell, 60000);
})();
