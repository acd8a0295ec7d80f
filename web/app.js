const films = document.getElementById('films')
const rows = new Map()

function show(v) {
  let row = rows.get(v.id)
  if (!row) {
    row = document.createElement('li')
    rows.set(v.id, row)
    films.prepend(row)
  }
  row.textContent = `${v.prompt}: ${v.status} ${v.progress} %`
  if (v.url) {
    const film = document.createElement('video')
    film.src = v.url
    film.controls = true
    row.append(film)
  } else if (v.preview_url) {
    const picture = document.createElement('img')
    picture.src = v.preview_url
    row.append(picture)
  }
}

document.getElementById('ask').addEventListener('submit', async (e) => {
  e.preventDefault()
  const reply = await fetch('/v1/videos', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ prompt: document.getElementById('prompt').value }),
  })
  const v = await reply.json()
  if (reply.ok) show(v)
})

new EventSource('/v1/events').addEventListener('video', (e) => show(JSON.parse(e.data)))
fetch('/v1/videos').then((r) => r.json()).then((l) => l.data.reverse().forEach(show))
