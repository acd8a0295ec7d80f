// Before anything is drawn: the colours and the language that were chosen here the last time.
(() => {
    const root = document.documentElement;
    const kept = (name) => {
        try {
            return localStorage.getItem(name);
        } catch {
            return null; // storage is forbidden here
        }
    };
    const theme = kept("zoetrope-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    const lang = kept("zoetrope-lang") || navigator.language || "en";
    root.lang = /^zh/i.test(lang) ? "zh" : "en";
})();
