package structure

type grid struct{}
