// The page's beginning: fonts, styles, the words of the language asked for, then the frame.
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/source-serif-4/wght.css'
import './app.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { place } from './lib/place.svelte'
import { speak } from './lib/words.svelte'

await speak(place.get('lang'))
mount(App, { target: document.getElementById('app')! })
