// Programs of the Go world against `fairlead server`, started by envtest as it starts kube-apiserver.
// Run by: npm run test:clients
package clients

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

var (
	environment *envtest.Environment
	config      *rest.Config
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(zap.New(zap.WriteTo(os.Stderr), zap.Level(zapError)))
	environment = &envtest.Environment{}
	started, err := environment.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "envtest did not start:", err)
		return 1
	}
	defer func() {
		if err := environment.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "envtest did not stop:", err)
		}
	}()
	config = started
	config.QPS, config.Burst = 1000, 1000
	return m.Run()
}

func contextOf(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func typedClient(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	return must(kubernetes.NewForConfig(config))(t)
}

// A namespace of the test's own.
func namespace(t *testing.T) string {
	t.Helper()
	wished := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "go-"}}
	made := must(typedClient(t).CoreV1().Namespaces().Create(contextOf(t), wished, metav1.CreateOptions{}))(t)
	return made.Name
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// Looks again until the condition holds.
func eventually(t *testing.T, about string, holds func() bool) {
	t.Helper()
	for ends := time.Now().Add(30 * time.Second); time.Now().Before(ends); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within 30 s: %s", about)
}
