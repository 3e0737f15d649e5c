module bitcoin-controller.local/programs/pause

go 1.26.0
