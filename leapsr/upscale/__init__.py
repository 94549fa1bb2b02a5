"""Whole pictures: files, sizes, tiles, colours. Its modules are imported by name; this file stays empty of
imports.

`import leapsr` binds the name `leapsr.upscale` to the function of that name, so write
`from leapsr.upscale.tiles import plan` rather than `import leapsr.upscale.tiles as tiles`.
"""
