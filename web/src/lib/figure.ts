// Figures as files: an SVG that stands alone, and its picture as PNG.

// The figure with the page's colours and letters written into it.
export function toSvg(figure: SVGSVGElement): Blob {
  const copy = figure.cloneNode(true) as SVGSVGElement
  const style = getComputedStyle(figure)
  const box = figure.getBoundingClientRect()
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('width', String(Math.round(box.width)))
  copy.setAttribute('height', String(Math.round(box.height)))
  copy.setAttribute('font-family', 'Inter, system-ui, sans-serif')
  copy.style.background = getComputedStyle(document.body).backgroundColor
  copy.style.color = style.color
  const names = ['--ink', '--paper', '--quiet', '--line', '--soft', '--raised', '--accent']
  const root = getComputedStyle(document.documentElement)
  for (const name of names) copy.style.setProperty(name, root.getPropertyValue(name))
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' })
}

// The same at twice the size, for slides.
export async function toPng(figure: SVGSVGElement): Promise<Blob> {
  const url = URL.createObjectURL(toSvg(figure))
  try {
    const image = new Image()
    image.src = url
    await image.decode()
    const box = figure.getBoundingClientRect()
    const canvas = Object.assign(document.createElement('canvas'), { width: box.width * 2, height: box.height * 2 })
    const pen = canvas.getContext('2d')!
    pen.fillStyle = getComputedStyle(document.body).backgroundColor
    pen.fillRect(0, 0, canvas.width, canvas.height)
    pen.drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((made, failed) => canvas.toBlob((b) => (b ? made(b) : failed(new Error('no picture')))))
  } finally {
    URL.revokeObjectURL(url)
  }
}

export function save(blob: Blob, name: string) {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
