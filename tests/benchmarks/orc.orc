# what of the encoder ORC can say; see bench_orc.c
.function orc_samples
.dest 2 d int16_t
.source 1 s uint8_t
.temp 2 w
convubw w, s
subw w, w, 128
shlw d, w, 4

.function orc_lift
.dest 2 d int16_t
.source 2 o int16_t
.source 2 e int16_t
.source 2 f int16_t
.param 2 a
.temp 2 t
.temp 4 q
addw t, e, f
mulswl q, t, a
addl q, q, 16384
shrsl q, q, 15
convlw t, q
addw d, o, t
