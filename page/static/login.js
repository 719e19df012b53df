// The form that asks for PAGE_PASSWORD: says what is wrong with the last answer, and with the connection.

document.getElementById("wrong").hidden = !new URLSearchParams(location.search).has("wrong");
document.getElementById("clear").hidden = location.protocol === "https:";
