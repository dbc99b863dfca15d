package clients

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	watchtools "k8s.io/client-go/tools/watch"
)

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestSharedInformersFollowAndResume(t *testing.T) {
	ctx, client, ns := contextOf(t), typedClient(t), namespace(t)
	maps := client.CoreV1().ConfigMaps(ns)
	for i := range 30 {
		must(maps.Create(ctx, configMap(fmt.Sprintf("before%d", i)), metav1.CreateOptions{}))(t)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(ns))
	var added, updated, deleted atomic.Int32
	informer := factory.Core().V1().ConfigMaps().Informer()
	must(informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		UpdateFunc: func(any, any) { updated.Add(1) },
		DeleteFunc: func(any) { deleted.Add(1) },
	}))(t)
	// As CoreDNS and kube-proxy follow them.
	factory.Core().V1().Services().Informer()
	factory.Discovery().V1().EndpointSlices().Informer()
	factory.Core().V1().Pods().Informer()
	factory.Networking().V1().Ingresses().Informer()
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			t.Fatalf("%v did not sync", kind)
		}
	}
	lister := factory.Core().V1().ConfigMaps().Lister().ConfigMaps(ns)
	equal(t, len(must(lister.List(labels.Everything()))(t)), 30)
	for i := range 10 {
		made := must(maps.Create(ctx, configMap(fmt.Sprintf("after%d", i)), metav1.CreateOptions{}))(t)
		made.Data = map[string]string{"a": "b"}
		must(maps.Update(ctx, made, metav1.UpdateOptions{}))(t)
		check(t, maps.Delete(ctx, made.Name, metav1.DeleteOptions{}))
	}
	eventually(t, "all events", func() bool { return added.Load() == 40 && updated.Load() == 10 && deleted.Load() == 10 })
}

func TestWatchListEndsItsFirstPartWithABookmark(t *testing.T) {
	ctx, client, ns := contextOf(t), typedClient(t), namespace(t)
	made := must(client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("c"), metav1.CreateOptions{}))(t)
	yes := true
	options := metav1.ListOptions{Watch: true, AllowWatchBookmarks: true, SendInitialEvents: &yes, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan}
	events := must(client.CoreV1().ConfigMaps(ns).Watch(ctx, options))(t)
	defer events.Stop()
	first, second := <-events.ResultChan(), <-events.ResultChan()
	equal(t, first.Type, watch.Added)
	equal(t, first.Object.(*corev1.ConfigMap).UID, made.UID)
	equal(t, second.Type, watch.Bookmark)
	equal(t, second.Object.(*corev1.ConfigMap).Annotations[metav1.InitialEventsAnnotationKey], "true")
}

func TestRetryWatcherGoesOnWhereItWas(t *testing.T) {
	ctx, client, ns := contextOf(t), typedClient(t), namespace(t)
	maps := client.CoreV1().ConfigMaps(ns)
	list := must(maps.List(ctx, metav1.ListOptions{}))(t)
	source := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		seconds := int64(1)
		options.TimeoutSeconds = &seconds
		return maps.Watch(ctx, options)
	}}
	watcher := must(watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, source))(t)
	defer watcher.Stop()
	for i := range 4 {
		must(maps.Create(ctx, configMap(fmt.Sprintf("c%d", i)), metav1.CreateOptions{}))(t)
		event := <-watcher.ResultChan()
		equal(t, event.Object.(*corev1.ConfigMap).Name, fmt.Sprintf("c%d", i))
		time.Sleep(700 * time.Millisecond)
	}
}

func TestAVersionOfTheFutureIsAnsweredAsClientGoExpects(t *testing.T) {
	ctx, client, ns := contextOf(t), typedClient(t), namespace(t)
	_, err := client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{ResourceVersion: "999999999"})
	if !apierrors.IsTimeout(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) {
		t.Fatalf("expected 504 with its cause, got %v", err)
	}
}

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

func TestDynamicClientAndInformer(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	client := must(dynamic.NewForConfig(config))(t)
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, ns, nil)
	informer := factory.ForResource(configMaps)
	informer.Informer()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c", "namespace": ns}, "data": map[string]any{"a": "1"}}}
	must(client.Resource(configMaps).Namespace(ns).Create(ctx, object, metav1.CreateOptions{}))(t)
	object.Object["data"] = map[string]any{"b": "2"}
	object.SetResourceVersion("")
	object.SetManagedFields(nil)
	applied := must(client.Resource(configMaps).Namespace(ns).Apply(ctx, "c", object, metav1.ApplyOptions{FieldManager: "dynamic", Force: true}))(t)
	value, _, _ := unstructured.NestedString(applied.Object, "data", "b")
	equal(t, value, "2")
	eventually(t, "the informer's copy", func() bool {
		seen, err := informer.Lister().ByNamespace(ns).Get("c")
		return err == nil && seen.(*unstructured.Unstructured).GetResourceVersion() == applied.GetResourceVersion()
	})
}

func TestMetadataInformerOverEveryListedResource(t *testing.T) {
	ctx := contextOf(t)
	client := must(metadata.NewForConfig(config))(t)
	preferred := must(discovery.ServerPreferredResources(must(discovery.NewDiscoveryClientForConfig(config))(t)))(t)
	followed := discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "watch", "delete"}}, preferred)
	factory := metadatainformer.NewSharedInformerFactory(client, 0)
	resources := must(discovery.GroupVersionResources(followed))(t)
	for resource := range resources {
		factory.ForResource(resource).Informer()
	}
	factory.Start(ctx.Done())
	for resource, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			t.Errorf("%v did not sync", resource)
		}
	}
	if len(resources) < 20 {
		t.Fatalf("only %d resources are listed", len(resources))
	}
}

func TestDiscoveryMapsKinds(t *testing.T) {
	client := must(discovery.NewDiscoveryClientForConfig(config))(t)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	mapping := must(mapper.RESTMapping(schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}))(t)
	equal(t, mapping.Resource.Resource, "ingresses")
	version := must(client.ServerVersion())(t)
	equal(t, version.Major, "1")
	must(client.OpenAPIV3().Paths())(t)
	must(client.OpenAPISchema())(t)
}

func TestLeaderElectionFailsOver(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	var leaders atomic.Int32
	start := func(ctx context.Context, name string) <-chan struct{} {
		leading := make(chan struct{})
		lock := must(resourcelock.NewFromKubeconfig("leases", ns, "lock", resourcelock.ResourceLockConfig{Identity: name}, rest.CopyConfig(config), time.Second))(t)
		go leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond, ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leaders.Add(1); close(leading) },
				OnStoppedLeading: func() { leaders.Add(-1) },
			},
		})
		return leading
	}
	firstContext, stopFirst := context.WithCancel(ctx)
	<-start(firstContext, "first")
	second := start(ctx, "second")
	select {
	case <-second:
		t.Fatal("two lead")
	case <-time.After(time.Second):
	}
	stopFirst()
	<-second
	var _ kubernetes.Interface
}
