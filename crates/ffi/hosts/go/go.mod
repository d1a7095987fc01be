module hardfrost/host

go 1.21
