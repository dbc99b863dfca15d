package clients

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/managedfields"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	replicas := int32(2)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "c", Image: "echo",
					Ports:     []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
					Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")}},
					ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("http")}}},
				}}},
			},
		},
	}
}

func TestTypedClientSendsProtobufAndReadsTheAnswer(t *testing.T) {
	ctx, client, ns := contextOf(t), typedClient(t), namespace(t)
	made := must(client.AppsV1().Deployments(ns).Create(ctx, deployment("web"), metav1.CreateOptions{}))(t)
	equal(t, made.Spec.Template.Spec.Containers[0].Resources.Requests.Memory().String(), "64Mi")
	equal(t, made.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.StrVal, "http")
	equal(t, made.Spec.Template.Spec.RestartPolicy, corev1.RestartPolicyAlways)
	equal(t, made.Generation, int64(1))

	scale := must(client.AppsV1().Deployments(ns).GetScale(ctx, "web", metav1.GetOptions{}))(t)
	scale.Spec.Replicas = 5
	must(client.AppsV1().Deployments(ns).UpdateScale(ctx, "web", scale, metav1.UpdateOptions{}))(t)
	made = must(client.AppsV1().Deployments(ns).Get(ctx, "web", metav1.GetOptions{}))(t)
	equal(t, *made.Spec.Replicas, 5)
	made.Status.ReadyReplicas, made.Status.Replicas, made.Status.UpdatedReplicas, made.Status.AvailableReplicas = 5, 5, 5, 5
	made = must(client.AppsV1().Deployments(ns).UpdateStatus(ctx, made, metav1.UpdateOptions{}))(t)
	equal(t, made.Status.ReadyReplicas, 5)

	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}}}
	served := must(client.CoreV1().Services(ns).Create(ctx, service, metav1.CreateOptions{}))(t)
	if served.Spec.ClusterIP == "" {
		t.Fatal("no cluster IP")
	}
	pathType := networkingv1.PathTypePrefix
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: "web.test", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &pathType, Backend: backend}}}}}}}}
	routed := must(client.NetworkingV1().Ingresses(ns).Create(ctx, ingress, metav1.CreateOptions{}))(t)
	equal(t, routed.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name, "web")
}

func TestEveryPatchType(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	client := typedClient(t).AppsV1().Deployments(ns)
	must(client.Create(ctx, deployment("web"), metav1.CreateOptions{}))(t)
	strategic := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}}}`)
	patched := must(client.Patch(ctx, "web", types.StrategicMergePatchType, strategic, metav1.PatchOptions{}))(t)
	equal(t, patched.Spec.Template.Spec.Containers[0].Image, "echo")
	equal(t, patched.Spec.Template.Spec.Containers[0].Env[0].Value, "1")
	merge := []byte(`{"metadata":{"annotations":{"a":"b"},"labels":{"app":null}}}`)
	patched = must(client.Patch(ctx, "web", types.MergePatchType, merge, metav1.PatchOptions{}))(t)
	equal(t, patched.Annotations["a"]+patched.Labels["app"], "b")
	json := []byte(`[{"op":"test","path":"/metadata/annotations/a","value":"b"},{"op":"replace","path":"/spec/replicas","value":7}]`)
	patched = must(client.Patch(ctx, "web", types.JSONPatchType, json, metav1.PatchOptions{}))(t)
	equal(t, *patched.Spec.Replicas, 7)
	status := []byte(`{"status":{"observedGeneration":9}}`)
	patched = must(client.Patch(ctx, "web", types.MergePatchType, status, metav1.PatchOptions{}, "status"))(t)
	equal(t, patched.Status.ObservedGeneration, 9)
}

func TestTypedApplyOwnsWhatItApplies(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	client := typedClient(t).CoreV1().ConfigMaps(ns)
	mine := applycorev1.ConfigMap("c", ns).WithData(map[string]string{"a": "1", "b": "1"})
	made := must(client.Apply(ctx, mine, metav1.ApplyOptions{FieldManager: "one", Force: true}))(t)
	equal(t, made.Data["a"], "1")
	theirs := applycorev1.ConfigMap("c", ns).WithData(map[string]string{"a": "2"})
	_, err := client.Apply(ctx, theirs, metav1.ApplyOptions{FieldManager: "two"})
	if !apierrors.IsConflict(err) {
		t.Fatalf("expected a conflict, got %v", err)
	}
	must(client.Apply(ctx, theirs, metav1.ApplyOptions{FieldManager: "two", Force: true}))(t)
	made = must(client.Apply(ctx, applycorev1.ConfigMap("c", ns).WithData(map[string]string{}), metav1.ApplyOptions{FieldManager: "one"}))(t)
	equal(t, fmt.Sprint(made.Data), "map[a:2]")
	extracted := must(applycorev1.ExtractConfigMap(made, "two"))(t)
	equal(t, extracted.Data["a"], "2")
	_ = managedfields.ValidateManagedFields(made.ManagedFields)
	var _ *applymetav1.ObjectMetaApplyConfiguration
}

func TestErrorsAreWhatClientGoDecidesBy(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	client := typedClient(t).CoreV1()
	made := must(client.ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{}))(t)
	_, err := client.ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{})
	equal(t, apierrors.IsAlreadyExists(err), true)
	_, err = client.ConfigMaps(ns).Get(ctx, "nope", metav1.GetOptions{})
	equal(t, apierrors.IsNotFound(err), true)
	_, err = client.ConfigMaps("nope").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{})
	equal(t, apierrors.IsNotFound(err), true)
	changed := made.DeepCopy()
	changed.Data = map[string]string{"a": "b"}
	must(client.ConfigMaps(ns).Update(ctx, changed, metav1.UpdateOptions{}))(t)
	made.Data = map[string]string{"c": "d"}
	_, err = client.ConfigMaps(ns).Update(ctx, made, metav1.UpdateOptions{})
	equal(t, apierrors.IsConflict(err), true)
	_, err = client.Services(ns).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{})
	equal(t, apierrors.IsInvalid(err), true)
	wrong := types.UID("00000000-0000-0000-0000-000000000000")
	err = client.ConfigMaps(ns).Delete(ctx, "c", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}})
	equal(t, apierrors.IsConflict(err), true)
	check(t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current := must(client.ConfigMaps(ns).Get(ctx, "c", metav1.GetOptions{}))(t)
		current.Data = map[string]string{"e": "f"}
		_, err := client.ConfigMaps(ns).Update(ctx, current, metav1.UpdateOptions{})
		return err
	}))
}

func TestPagesOfAListAreOneList(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	client := typedClient(t).CoreV1().ConfigMaps(ns)
	for i := range 25 {
		must(client.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%02d", i), Labels: map[string]string{"even": fmt.Sprint(i%2 == 0)}}}, metav1.CreateOptions{}))(t)
	}
	page := must(client.List(ctx, metav1.ListOptions{Limit: 10}))(t)
	equal(t, *page.RemainingItemCount, 15)
	check(t, client.Delete(ctx, "c24", metav1.DeleteOptions{}))
	names := 10
	for page.Continue != "" {
		page = must(client.List(ctx, metav1.ListOptions{Limit: 10, Continue: page.Continue}))(t)
		names += len(page.Items)
	}
	equal(t, names, 25)
	even := must(client.List(ctx, metav1.ListOptions{LabelSelector: "even in (true)", FieldSelector: "metadata.name!=c00"}))(t)
	equal(t, len(even.Items), 11)
	check(t, client.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "even=true"}))
	equal(t, len(must(client.List(ctx, metav1.ListOptions{}))(t).Items), 12)
}

func TestUsersRolesReviewsAndTokens(t *testing.T) {
	ctx, admin, ns := contextOf(t), typedClient(t), namespace(t)
	user := must(environment.AddUser(envtest.User{Name: "jane", Groups: []string{"developers"}}, nil))(t)
	jane := must(kubernetes.NewForConfig(user.Config()))(t)
	_, err := jane.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{})
	equal(t, apierrors.IsForbidden(err), true)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}}}
	must(admin.RbacV1().Roles(ns).Create(ctx, role, metav1.CreateOptions{}))(t)
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, RoleRef: rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: "reader"}, Subjects: []rbacv1.Subject{{Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: "developers"}}}
	must(admin.RbacV1().RoleBindings(ns).Create(ctx, binding, metav1.CreateOptions{}))(t)
	must(jane.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{}))(t)
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: ns, Verb: "delete", Resource: "configmaps"}}}
	equal(t, must(jane.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{}))(t).Status.Allowed, false)
	who := must(jane.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{}))(t)
	equal(t, who.Status.UserInfo.Username, "jane")

	must(admin.CoreV1().ServiceAccounts(ns).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{}))(t)
	asked := must(admin.CoreV1().ServiceAccounts(ns).CreateToken(ctx, "robot", &authenticationv1.TokenRequest{}, metav1.CreateOptions{}))(t)
	verdict := must(admin.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: asked.Status.Token}}, metav1.CreateOptions{}))(t)
	equal(t, verdict.Status.User.Username, "system:serviceaccount:"+ns+":robot")
}

func TestPodsWithoutServiceAccountAreAdmittedWhenThePluginIsOff(t *testing.T) {
	ctx, ns := contextOf(t), namespace(t)
	client := typedClient(t)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: map[string]string{"app": "p"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "echo"}}}}
	must(client.CoreV1().Pods(ns).Create(ctx, pod, metav1.CreateOptions{}))(t)
	check(t, client.CoreV1().Pods(ns).Bind(ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"}}, metav1.CreateOptions{}))
	bound := must(client.CoreV1().Pods(ns).Get(ctx, "p", metav1.GetOptions{}))(t)
	equal(t, bound.Spec.NodeName, "n")
	check(t, client.CoreV1().Pods(ns).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "p"}}))
	gone := must(client.CoreV1().Pods(ns).Get(ctx, "p", metav1.GetOptions{}))(t)
	equal(t, gone.DeletionTimestamp != nil, true)
	now := int64(0)
	check(t, client.CoreV1().Pods(ns).Delete(ctx, "p", metav1.DeleteOptions{GracePeriodSeconds: &now}))
}
