// The form that asks for the password: says what is wrong with the last answer, and with the connection. Where the
// address has the password behind its #, which no browser sends, it answers by itself.

document.getElementById("wrong").hidden = !new URLSearchParams(location.search).has("wrong");
document.getElementById("clear").hidden = location.protocol === "https:";

const password = decodeURIComponent(location.hash.slice(1));
if (password) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("password").value = password;
  document.querySelector("form").submit();
}
