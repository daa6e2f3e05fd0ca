// Package check holds the manifests of container/deploy to the real types of Kubernetes and Compose: an unknown or misspelt key,
// a value of the wrong type, a pod that the security standard "restricted" refuses is an error, as it would be at a cluster's
// door. It is a module of its own, as those types come with many others that the bots do not need.
package check
