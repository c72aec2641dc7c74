package isolate

// Confinement is what a system confines processes with.
type Confinement struct {
	// Landlock is the version of its interface, 0 if the kernel has none: it keeps workers from files and the network.
	Landlock int `json:"landlock"`
	// Seccomp is set if system calls are filtered: those that reach the network, and for workers those that run programs.
	Seccomp bool `json:"seccomp"`
	// Namespaces is set if other programs get a network of their own with nothing in it.
	Namespaces bool `json:"namespaces"`
	// OtherUser is set if browsers run as a user of their own, since this process is root.
	OtherUser bool `json:"otherUser"`
	// Network is set if the network can be kept from other programs.
	Network bool `json:"networkDenied"`
}
