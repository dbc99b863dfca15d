package clients

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const zapError = zapcore.ErrorLevel

const finalizer = "clients.test/hold"

// Keeps a ConfigMap with each labelled Service, marks the Service's status, and cleans up by a finalizer.
type reconciler struct {
	client.Client
	manager ctrl.Manager
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var service corev1.Service
	if err := r.Get(ctx, request.NamespacedName, &service); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if service.Labels["keep"] != "yes" {
		return ctrl.Result{}, nil
	}
	if !service.DeletionTimestamp.IsZero() {
		controllerutil.RemoveFinalizer(&service, finalizer)
		return ctrl.Result{}, r.Update(ctx, &service)
	}
	if controllerutil.AddFinalizer(&service, finalizer) {
		return ctrl.Result{}, r.Update(ctx, &service)
	}
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: service.Name, Namespace: service.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, kept, func() error {
		kept.Data = map[string]string{"ip": service.Spec.ClusterIP}
		return controllerutil.SetControllerReference(&service, kept, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	if len(service.Status.LoadBalancer.Ingress) == 0 {
		before := service.DeepCopy()
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.7"}}
		if err := r.Status().Patch(ctx, &service, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, err
		}
		r.manager.GetEventRecorder("clients-test").Eventf(&service, nil, corev1.EventTypeNormal, "Kept", "Keep", "kept %s", kept.Name)
	}
	return ctrl.Result{}, nil
}

func TestManagerWithLeaderElectionReconciles(t *testing.T) {
	ctx, stop := context.WithCancel(contextOf(t))
	ns := namespace(t)
	released := make(chan error, 1)
	manager := must(ctrl.NewManager(config, ctrl.Options{
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		LeaderElection:                true,
		LeaderElectionID:              "clients.test",
		LeaderElectionNamespace:       ns,
		LeaderElectionReleaseOnCancel: true,
	}))(t)
	r := &reconciler{Client: manager.GetClient(), manager: manager}
	check(t, ctrl.NewControllerManagedBy(manager).For(&corev1.Service{}).Owns(&corev1.ConfigMap{}).Complete(r))
	go func() { released <- manager.Start(ctx) }()
	if !manager.GetCache().WaitForCacheSync(ctx) {
		t.Fatal("the cache did not sync")
	}
	api := must(client.New(config, client.Options{}))(t)
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: ns, Labels: map[string]string{"keep": "yes"}}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}}}
	check(t, api.Create(ctx, service))
	key := client.ObjectKeyFromObject(service)
	var kept corev1.ConfigMap
	eventually(t, "the kept ConfigMap", func() bool { return api.Get(ctx, key, &kept) == nil && kept.Data["ip"] == service.Spec.ClusterIP })
	equal(t, kept.OwnerReferences[0].Kind, "Service")
	eventually(t, "the status", func() bool {
		return api.Get(ctx, key, service) == nil && len(service.Status.LoadBalancer.Ingress) == 1
	})
	// The reconciler brings back what it owns.
	check(t, api.Delete(ctx, &kept))
	eventually(t, "the ConfigMap comes back", func() bool {
		var again corev1.ConfigMap
		return api.Get(ctx, key, &again) == nil && again.UID != kept.UID
	})
	var notes eventsv1.EventList
	eventually(t, "the event", func() bool {
		return api.List(ctx, &notes, client.InNamespace(ns)) == nil && slices.ContainsFunc(notes.Items, func(note eventsv1.Event) bool { return note.Reason == "Kept" && note.Regarding.Name == "s" })
	})
	var partial metav1.PartialObjectMetadata
	partial.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Service"))
	check(t, api.Get(ctx, key, &partial))
	equal(t, partial.Finalizers[0], finalizer)
	check(t, api.Delete(ctx, service))
	eventually(t, "the finalizer lets it go", func() bool { return apierrors.IsNotFound(api.Get(ctx, key, service)) })
	stop()
	select {
	case err := <-released:
		check(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("the manager did not stop")
	}
}
