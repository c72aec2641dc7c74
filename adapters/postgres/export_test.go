package postgres

// RelocateTo sets the folder that takes the clusters whose own cannot be entered.
func RelocateTo(config *ClusterConfig, dir string) { config.relocateTo = dir }
