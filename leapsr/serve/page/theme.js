// Before anything is drawn: the theme that was chosen here, if any.
const theme = localStorage.getItem("leapsr-theme");
if (theme) document.documentElement.dataset.theme = theme;
