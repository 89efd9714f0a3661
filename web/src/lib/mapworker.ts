// MapLibre's worker, bundled with the page, so that no script comes from elsewhere or from a blob.
import 'maplibre-gl/dist/maplibre-gl.css'
import worker from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'

export { worker }
