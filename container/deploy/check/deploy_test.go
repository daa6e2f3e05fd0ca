package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// kinds are the types that our manifests use, as the API server has them.
var kinds = map[string]func() any{
	"v1 Namespace":                       func() any { return new(corev1.Namespace) },
	"v1 ServiceAccount":                  func() any { return new(corev1.ServiceAccount) },
	"v1 ConfigMap":                       func() any { return new(corev1.ConfigMap) },
	"apps/v1 Deployment":                 func() any { return new(appsv1.Deployment) },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networkingv1.NetworkPolicy) },
}

// documents reads the objects of a manifest strictly.
func documents(data []byte) (list []any, err error) {
	for _, text := range bytes.Split(data, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(text, &head); err != nil {
			return nil, err
		}
		make, ok := kinds[head.APIVersion+" "+head.Kind]
		if !ok {
			return nil, fmt.Errorf("%s %s is no kind that we use", head.APIVersion, head.Kind)
		}
		object := make()
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", head.APIVersion, head.Kind, err)
		}
		list = append(list, object)
	}
	return list, nil
}

// refusals says what the pod security standard "restricted" has against a pod.
func refusals(d *appsv1.Deployment) ([]string, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return nil, err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var list []string
	for _, result := range evaluator.EvaluatePod(level, &d.Spec.Template.ObjectMeta, &d.Spec.Template.Spec) {
		if !result.Allowed {
			list = append(list, result.ForbiddenReason+": "+result.ForbiddenDetail)
		}
	}
	return list, nil
}

func TestKubernetes(t *testing.T) {
	files, err := filepath.Glob("../kubernetes*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			list, err := documents(data)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, object := range list {
				if d, ok := object.(*appsv1.Deployment); ok {
					found = true
					deployment(t, d)
				}
			}
			if !found {
				t.Error("no deployment")
			}
		})
	}
}

// deployment checks what Kubernetes would accept and we do not.
func deployment(t *testing.T, d *appsv1.Deployment) {
	t.Helper()
	list, err := refusals(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, refusal := range list {
		t.Errorf("%s is refused: %s", d.Name, refusal)
	}
	spec, bot := d.Spec.Template.Spec, d.Spec.Template.Spec.Containers[0]
	for key, value := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value {
			t.Errorf("%s selects pods with %s=%s and makes others", d.Name, key, value)
		}
	}
	volumes := map[string]bool{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = true
		if v.HostPath != nil {
			t.Errorf("%s mounts %s of the node", d.Name, v.HostPath.Path)
		}
	}
	for _, m := range bot.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s mounts the volume %s, which is not there", d.Name, m.Name)
		}
	}
	at := slices.Index(bot.Args, "--drain")
	if at < 0 || bot.Args[at+1] != "10m" || spec.TerminationGracePeriodSeconds == nil || *spec.TerminationGracePeriodSeconds < 10*60+30 {
		t.Errorf("%s: the grace period %v is not longer than --drain in %v", d.Name, spec.TerminationGracePeriodSeconds, bot.Args)
	}
	if bot.Resources.Limits.Memory().IsZero() || bot.Resources.Requests.Cpu().IsZero() {
		t.Errorf("%s names no resources", d.Name)
	}
	if *spec.AutomountServiceAccountToken {
		t.Errorf("%s gives jobs the cluster's credentials", d.Name)
	}
}

// TestStrict: the checks find what they are for.
func TestStrict(t *testing.T) {
	data, err := os.ReadFile("../kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a misspelt key":  {"terminationGracePeriodSeconds:", "terminationGracePeriodSecond:"},
		"a wrong type":    {"replicas: 3", "replicas: many"},
		"a key twice":     {"  replicas: 3\n", "  replicas: 3\n  replicas: 4\n"},
		"an unknown kind": {"kind: NetworkPolicy", "kind: Firewall"},
	} {
		text := strings.Replace(string(data), change[0], change[1], 1)
		if _, err := documents([]byte(text)); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	for _, key := range []string{"allowPrivilegeEscalation: false", "runAsNonRoot: true", "capabilities: {drop: [ALL]}", "seccompProfile: {type: RuntimeDefault}"} {
		list, err := documents([]byte(strings.Replace(string(data), key, "", 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range list {
			if d, ok := object.(*appsv1.Deployment); ok {
				if refused, err := refusals(d); err != nil || len(refused) == 0 {
					t.Errorf("without %s it is still allowed (%v)", key, err)
				}
			}
		}
	}
}

func TestCompose(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithEnv([]string{"CYBORG_REPO=acme/widget"}), cli.WithName("cyborg"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bot := project.Services["bot"]
	if bot.ContainerName != "" || len(bot.Ports) > 0 {
		t.Error("a container's name or a port keeps --scale from making several")
	}
	if len(bot.Volumes) > 0 || bot.Privileged || !slices.Equal(bot.CapDrop, []string{"ALL"}) || !bot.ReadOnly {
		t.Errorf("it is given more than it needs: %+v", bot)
	}
	if bot.StopGracePeriod == nil || bot.StopGracePeriod.String() != "1m0s" || !slices.Contains(bot.Command, "50s") {
		t.Errorf("the grace period %v is not longer than --drain in %v", bot.StopGracePeriod, bot.Command)
	}
	if _, err := cli.NewProjectOptions([]string{"../compose.yaml"}); err != nil {
		t.Fatal(err)
	}
	without, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithName("cyborg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := without.LoadProject(t.Context()); err == nil || !strings.Contains(err.Error(), "owner/name") {
		t.Errorf("without CYBORG_REPO: %v", err)
	}
}
