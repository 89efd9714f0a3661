// Scripts in components are TypeScript; Svelte strips the types by itself.
export default { compilerOptions: { runes: true } }
